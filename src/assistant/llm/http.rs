//! The network: requests over HTTP and TLS, with limits on time and size.

use std::time::Duration;

use super::speaker::{Line, Lost, Reply};

/// A connection is made within so long.
const CONNECT: Duration = Duration::from_secs(10);
/// And answered within so long: models think.
const ANSWER: Duration = Duration::from_secs(600);
/// Bytes of an answer at most.
const BYTES: u64 = 16 * 1024 * 1024;

/// A way over the network.
pub struct Network {
    agent: ureq::Agent,
    sleep: fn(f64),
}

impl Network {
    /// One that waits as it is told to.
    pub fn new(sleep: fn(f64)) -> Network {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(ANSWER))
            .http_status_as_error(false)
            // A key goes to the address that was named, and to no other.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("scartissue/", env!("CARGO_PKG_VERSION")))
            .build();
        Network { agent: ureq::Agent::new_with_config(config), sleep }
    }
}

impl Line for Network {
    fn post(&mut self, address: &str, headers: &[(&str, String)], body: &str) -> Result<Reply, Lost> {
        let request =
            headers.iter().fold(self.agent.post(address), |request, (name, value)| request.header(*name, value));
        let mut response = request.send(body).map_err(|why| Lost(format!("{address}: {why}")))?;
        let status = response.status().as_u16();
        let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after_s =
            header.and_then(|text| text.trim().parse().ok()).filter(|s: &f64| s.is_finite() && 0.0 <= *s);
        let body = response.body_mut().with_config().limit(BYTES).read_to_string();
        let body = body.map_err(|why| Lost(format!("{address}: the answer broke off: {why}")))?;
        Ok(Reply { status, retry_after_s, body })
    }

    fn sleep(&mut self, seconds: f64) {
        (self.sleep)(seconds);
    }
}
