//! What a client program observes of its own calls, in the histograms that OpenTelemetry has for them: what its users
//! feel, as far as a program can know.

use serde::{Deserialize, Serialize};

use crate::metrics::histogram::Histogram;
use crate::sim::client::Outcome;
use crate::sim::time::SimDuration;

/// Edges of `http.client.request.duration`, in seconds, as its convention has them.
const REQUEST_S: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Edges of `gen_ai.client.operation.duration`, in seconds.
const OPERATION_S: [f64; 14] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// Edges of `gen_ai.client.operation.time_to_first_chunk`, in seconds.
const FIRST_CHUNK_S: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// How a request ends for its client, as the label `error_type` has it: well, without an answer in time, with a
/// status that says no, or without a connection that holds.
pub(super) const ENDS: [&str; 4] = ["", "timeout", "status", "connection"];

/// The histograms of one client program, over all its hosts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ClientTimes {
    /// One request, from sending to its end, by [`ENDS`].
    pub requests: [Histogram; ENDS.len()],
    /// One call of the program, with all its tries.
    pub operations: Histogram,
    /// From sending a request to the first piece of its answer.
    pub first_chunk: Histogram,
}

impl Default for ClientTimes {
    fn default() -> Self {
        ClientTimes {
            requests: [(); ENDS.len()].map(|()| Histogram::new(REQUEST_S)),
            operations: Histogram::new(OPERATION_S),
            first_chunk: Histogram::new(FIRST_CHUNK_S),
        }
    }
}

impl ClientTimes {
    /// A request has ended.
    pub fn request_ended(&mut self, outcome: Outcome, took: SimDuration) {
        let end = match outcome {
            Outcome::Ok => 0,
            Outcome::FirstTokenTimeout | Outcome::TotalTimeout | Outcome::UserAbandoned => 1,
            Outcome::DnsFailure
            | Outcome::ConnectionRefused
            | Outcome::TlsFailure
            | Outcome::ConnectTimeout
            | Outcome::StreamCut => 3,
            _ => 2,
        };
        self.requests[end].observe(took.as_secs_f64());
    }
}
