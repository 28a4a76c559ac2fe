//! `play --prometheus`: a session for tools from elsewhere, beside whoever plays.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::Args;

use crate::cli::Failure;
use crate::cli::begin::Marks;
use crate::session::live::{Clock, Live};
use crate::wire::{Guard, Limits, Served, Serving, Tokens, WireError, serve};

/// Whether and how a session is served.
#[derive(Args, Default)]
pub struct Serve {
    /// Serve the session as Prometheus' HTTP API, as in 127.0.0.1:9090; marks it as one with external tools
    #[arg(long, value_name = "ADDR")]
    prometheus: Option<String>,
    /// Looks cost nothing; marks the session as unpriced: practice, no scars, no comparison
    #[arg(long, requires = "prometheus")]
    unpriced: bool,
    /// Who may ask: lines `SEAT TOKEN [NAME]`; needed where ADDR is not on loopback
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    token_file: Option<PathBuf>,
    /// A name under which the server may be asked, beside addresses and localhost
    #[arg(long, value_name = "NAME", requires = "prometheus")]
    allow_host: Vec<String>,
}

impl Serve {
    /// What marks a session that is served so.
    pub fn marks(&self) -> Marks {
        Marks { external_tools: self.prometheus.is_some(), unpriced: self.unpriced }
    }

    /// Takes the address before anything else is done, so that a session is not begun for nothing.
    ///
    /// # Errors
    /// It is none, is taken, or can be reached from elsewhere without a token.
    pub fn listen(&self, by: &str) -> Result<Option<Listening>, Failure> {
        let Some(address) = &self.prometheus else { return Ok(None) };
        if !address.contains(':') {
            return Err(Failure::Usage(format!("\"{address}\" is no address: write it as in 127.0.0.1:9090")));
        }
        let guard = guard(self.token_file.as_deref(), &self.allow_host, by)?;
        let listener = TcpListener::bind(address).map_err(|e| Failure::Surroundings(format!("{address}: {e}")))?;
        let at = listener.local_addr().map_err(|e| Failure::Surroundings(format!("{address}: {e}")))?;
        if !at.ip().is_loopback() && !guard.needs_token() {
            return Err(Failure::Usage(WireError::Open(at).to_string()));
        }
        Ok(Some(Listening { listener, guard }))
    }
}

/// Who may ask: whoever has a token of a file, or everybody under one name.
///
/// # Errors
/// The file cannot be read, or is no list of tokens.
pub fn guard(token_file: Option<&Path>, hosts: &[String], by: &str) -> Result<Guard, Failure> {
    let tokens = match token_file {
        None => Tokens::none(by),
        Some(file) => {
            let text =
                std::fs::read_to_string(file).map_err(|e| Failure::Surroundings(format!("{}: {e}", file.display())))?;
            Tokens::parse(&text).map_err(|e| Failure::No(format!("{}: {e}", file.display())))?
        }
    };
    Ok(Guard::new(tokens, hosts, Limits::default()))
}

/// An address that was taken, and who may ask there.
pub struct Listening {
    listener: TcpListener,
    guard: Guard,
}

impl Listening {
    /// Serves a session, until what is returned is dropped.
    ///
    /// # Errors
    /// The system refuses.
    pub fn serve(self, live: &Arc<Mutex<Live>>, clock: &Arc<dyn Clock>) -> Result<Serving, Failure> {
        let served = Served::new(Arc::clone(live), Arc::clone(clock));
        let serving = serve(self.listener, served, self.guard).map_err(|e| Failure::Surroundings(e.to_string()))?;
        eprintln!("serving Prometheus' HTTP API at http://{}", serving.address());
        Ok(serving)
    }
}
