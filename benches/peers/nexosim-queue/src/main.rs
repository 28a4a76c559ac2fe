//! An M/M/c queue on nexosim, once, as JSON: servers, load, customers and seed are the arguments.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::{EventSinkReader, EventSource, Output, SinkState, event_slot};
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Customers that arrive, wait in order, and are served by one of several servers.
#[derive(Serialize, Deserialize)]
struct Queue {
    gaps: ChaCha8Rng,
    services: ChaCha8Rng,
    per_s: f64,
    to_come: u64,
    served: u64,
    idle: u32,
    line: VecDeque<MonotonicTime>,
    waited: f64,
    done: Output<(u64, f64)>,
}

fn exponential(rng: &mut ChaCha8Rng, rate: f64) -> Duration {
    // A delay of nothing is refused by the scheduler.
    Duration::from_secs_f64(-(1.0 - rng.random::<f64>()).ln() / rate).max(Duration::from_nanos(1))
}

#[Model]
impl Queue {
    pub fn open(&mut self, _: (), cx: &Context<Self>) {
        cx.schedule_event(exponential(&mut self.gaps, self.per_s), schedulable!(Self::arrive), ()).unwrap();
    }

    #[nexosim(schedulable)]
    fn arrive(&mut self, _: (), cx: &Context<Self>) {
        self.to_come -= 1;
        if 0 < self.to_come {
            let gap = exponential(&mut self.gaps, self.per_s);
            cx.schedule_event(gap, schedulable!(Self::arrive), ()).unwrap();
        }
        if 0 < self.idle {
            self.idle -= 1;
            let service = exponential(&mut self.services, 1.0);
            cx.schedule_event(service, schedulable!(Self::depart), ()).unwrap();
        } else {
            self.line.push_back(cx.time());
        }
    }

    #[nexosim(schedulable)]
    async fn depart(&mut self, _: (), cx: &Context<Self>) {
        self.served += 1;
        match self.line.pop_front() {
            Some(arrived) => {
                self.waited += cx.time().duration_since(arrived).as_secs_f64();
                let service = exponential(&mut self.services, 1.0);
                cx.schedule_event(service, schedulable!(Self::depart), ()).unwrap();
            }
            None => self.idle += 1,
        }
        if self.to_come == 0 && self.line.is_empty() {
            self.done.send((self.served, self.waited)).await;
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<f64> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let [servers, load, customers, seed] = arguments[..] else {
        return Err("expected: servers load customers seed".into());
    };
    let stream = |number| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed as u64);
        rng.set_stream(number);
        rng
    };
    let mut queue = Queue {
        gaps: stream(1),
        services: stream(2),
        per_s: load * servers,
        to_come: customers as u64,
        served: 0,
        idle: servers as u32,
        line: VecDeque::new(),
        waited: 0.0,
        done: Output::default(),
    };
    let mailbox = Mailbox::new();
    let mut bench = SimInit::with_num_threads(1);
    let (sink, mut slot) = event_slot(SinkState::Enabled);
    queue.done.connect_sink(sink);
    let open = EventSource::new().connect(Queue::open, &mailbox).register(&mut bench);
    let begun = Instant::now();
    let mut simulation = bench.add_model(queue, mailbox, "queue").init(MonotonicTime::EPOCH)?;
    simulation.process_event(&open, ())?;
    simulation.run()?;
    let wall_s = begun.elapsed().as_secs_f64();
    let (served, waited) = slot.try_read().ok_or("nobody was served")?;
    println!("{{\"wall_s\": {wall_s}, \"customers\": {served}, \"mean_wait_s\": {}}}", waited / customers);
    Ok(())
}
