"""An M/M/c queue in SimPy, once, as JSON; `run.py` calls it."""

import json
import random
import sys
import time

import simpy


def main(servers, load, customers, seed):
    rng = random.Random(seed)
    environment = simpy.Environment()
    pool = simpy.Resource(environment, capacity=servers)
    waited = 0.0

    def customer():
        nonlocal waited
        arrived = environment.now
        with pool.request() as turn:
            yield turn
            waited += environment.now - arrived
            yield environment.timeout(rng.expovariate(1.0))

    def arrivals():
        for _ in range(customers):
            environment.process(customer())
            yield environment.timeout(rng.expovariate(load * servers))

    begun = time.perf_counter()
    environment.process(arrivals())
    environment.run()
    wall_s = time.perf_counter() - begun
    print(json.dumps({"wall_s": wall_s, "customers": customers, "mean_wait_s": waited / customers}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
