//! Who may ask, from where, and how much: `Host`, `Origin`, tokens, sizes and rates.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::prometheus::envelope::Refused;
use super::tokens::Tokens;
use crate::session::live::Clock;

/// How much may be asked.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a form, or of what stands after a path.
    pub parameters: usize,
    /// Requests a second, in the long run.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
    /// Questions that wait for their answers at a time.
    pub waiting: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Seconds for which a question waits at most.
    pub timeout_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { parameters: 65_536, per_second: 50, burst: 200, waiting: 64, connections: 256, timeout_s: 120 }
    }
}

/// What stands before the routes.
pub struct Guard {
    tokens: Tokens,
    hosts: Vec<String>,
    /// How much may be asked.
    pub(super) limits: Limits,
    pub(super) waiting: Arc<Semaphore>,
    bucket: Mutex<Bucket>,
}

/// Requests that may still come, as of a moment.
struct Bucket {
    left: f64,
    at_ns: u64,
}

impl Guard {
    /// One that lets in whoever has a token, asked under loopback names, numbers, or the names given.
    pub fn new(tokens: Tokens, hosts: &[String], limits: Limits) -> Guard {
        Guard {
            tokens,
            hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            waiting: Arc::new(Semaphore::new(limits.waiting)),
            bucket: Mutex::new(Bucket { left: f64::from(limits.burst), at_ns: 0 }),
            limits,
        }
    }

    /// Whether a token is needed.
    pub fn needs_token(&self) -> bool {
        self.tokens.are_needed()
    }

    /// A page in a browser can make any name of its own point here, but not a number and not `localhost`.
    fn is_ours(&self, host: &str) -> bool {
        let name = name_of(host).to_ascii_lowercase();
        name == "localhost" || name.parse::<IpAddr>().is_ok() || self.hosts.contains(&name)
    }

    fn check(&self, headers: &HeaderMap, now_ns: u64) -> Result<(), Refused> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let host = text(header::HOST).unwrap_or_default();
        if host.is_empty() {
            return Err(Refused::bad_data("the request names no Host"));
        }
        if !self.is_ours(host) {
            let message = format!("this is not {host}: ask by address or as localhost, or serve it with --allow-host");
            return Err(Refused::new(StatusCode::FORBIDDEN, "forbidden", message));
        }
        let of_another = |origin: &str| origin.split_once("://").is_none_or(|(_, of)| !of.eq_ignore_ascii_case(host));
        if text(header::ORIGIN).is_some_and(of_another) {
            let message = "pages of other origins are not answered: ask from a program, or through a proxy";
            return Err(Refused::new(StatusCode::FORBIDDEN, "forbidden", message));
        }
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed_s = now_ns.saturating_sub(bucket.at_ns) as f64 / 1e9;
        let full = f64::from(self.limits.burst);
        bucket.left = (bucket.left + passed_s * f64::from(self.limits.per_second)).min(full);
        bucket.at_ns = now_ns.max(bucket.at_ns);
        if bucket.left < 1.0 {
            let message = format!("more than {} requests a second: ask less often", self.limits.per_second);
            return Err(Refused::new(StatusCode::TOO_MANY_REQUESTS, "unavailable", message));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

/// Lets a request through with its caller, or says why not.
pub(super) async fn stand(
    State((clock, guard)): State<(Arc<dyn Clock>, Arc<Guard>)>,
    mut ask: Request,
    next: Next,
) -> Response {
    if let Err(refused) = guard.check(ask.headers(), clock.now_ns()) {
        return refused.into_response();
    }
    let (path, query) = (ask.uri().path(), ask.uri().query().unwrap_or_default());
    if guard.limits.parameters < path.len() + query.len() {
        let message = format!("more than {} bytes in the address: send a form", guard.limits.parameters);
        return Refused::new(StatusCode::URI_TOO_LONG, "bad_data", message).into_response();
    }
    // Whether it lives may be asked by anybody.
    if path.starts_with("/-/") {
        return next.run(ask).await;
    }
    let authorization = ask.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(caller) = guard.tokens.caller(authorization) else {
        let message = "a token is needed that names a seat: `Authorization: Bearer TOKEN`, or TOKEN as a password";
        let mut refused = Refused::new(StatusCode::UNAUTHORIZED, "unauthorized", message).into_response();
        let realm = header::HeaderValue::from_static("Basic realm=\"scartissue\"");
        refused.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
        return refused;
    };
    ask.extensions_mut().insert(caller);
    next.run(ask).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_without_its_port() {
        for (host, name) in [
            ("localhost:9090", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]:9090", "::1"),
            ("[::1]", "::1"),
            ("grafana.example:80", "grafana.example"),
        ] {
            assert_eq!(name_of(host), name);
        }
    }
}
