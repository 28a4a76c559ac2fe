//! Sessions for programs from elsewhere: the HTTP interface that Prometheus has, on simulated time, and MCP.
//!
//! Everything that is asked goes through a session as a look or a command, in the seat that the token names. Nothing
//! here knows what is true of an incident. `Host` and `Origin` are checked against pages of others; rates, sizes,
//! waiting questions and connections are limited ([`Limits`]).

pub mod grafana; // a data source and dashboards, from the panels
mod guard; // who may ask, and how much
pub mod mcp; // tools for any client of the Model Context Protocol
mod prometheus; // Prometheus' HTTP interface
mod serve; // sockets
mod tokens; // which token names which seat

pub use guard::{Guard, Limits};
pub use prometheus::{VERSION, routes};
pub use serve::{Serving, WireError, serve};
pub use tokens::{Caller, TokenError, Tokens};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::session::live::{Clock, Live};

/// What is served: one session, and the clock that it goes by.
#[derive(Clone)]
pub struct Served {
    live: Arc<Mutex<Live>>,
    clock: Arc<dyn Clock>,
}

impl Served {
    /// A session that a console may drive at the same time.
    pub fn new(live: Arc<Mutex<Live>>, clock: Arc<dyn Clock>) -> Served {
        Served { live, clock }
    }

    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// Milliseconds after 1970.
    fn unix_ms(&self) -> i64 {
        self.clock.began_unix_ms().saturating_add((self.now_ns() / 1_000_000) as i64)
    }

    /// The session, brought up to date, with the moment of the wall clock at which its world began: simulated now is now.
    fn at_present(&self) -> (MutexGuard<'_, Live>, i64) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ns = self.now_ns();
        live.catch_up(now_ns);
        let unix_ns = i128::from(self.clock.began_unix_ms()) * 1_000_000 + i128::from(now_ns);
        let zero_ns = unix_ns - i128::from(live.open.session.now().0);
        (live, zero_ns.div_euclid(1_000_000) as i64)
    }
}
