//! A Prometheus on samples of ours: text of a store, a server on loopback, and its answers.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use scartissue::metrics::labels::{Labels, NAME};
use scartissue::metrics::store::Store;

/// A moment long past, on a whole two hours, as blocks begin.
pub const BASE_MS: i64 = 1_700_006_400_000;

/// Rows of an answer: labels, and values by moment in milliseconds.
pub type Rows = BTreeMap<Labels, Vec<(i64, f64)>>;

/// A store as OpenMetrics text, and the same samples as a store, both from the base on and without marks of ends; and how
/// long it goes on.
pub fn exposed(store: &Store) -> (String, Store, i64) {
    let (mut text, mut same, mut last_ms) = (String::new(), Store::default(), 0);
    let first_ms = store.all().filter_map(|id| store.points(id).next()).map(|p| p.t_ms).min().unwrap_or(0);
    for id in store.all() {
        let labels = store.labels(id);
        let copy = same.series(labels);
        let pairs = labels.pairs().filter(|(name, _)| *name != NAME).map(|(name, value)| format!("{name}={value:?}"));
        let head = format!("{}{{{}}}", labels.get(NAME), pairs.collect::<Vec<_>>().join(","));
        for point in store.points(id).filter(|point| !point.is_stale()) {
            let t_ms = BASE_MS + point.t_ms - first_ms;
            same.append(copy, t_ms, point.value);
            text.push_str(&format!("{head} {} {}\n", shown(point.value), seconds(t_ms)));
            last_ms = last_ms.max(t_ms);
        }
    }
    text.push_str("# EOF\n");
    (text, same, last_ms - BASE_MS)
}

fn shown(value: f64) -> String {
    match value {
        v if v.is_nan() => "NaN".to_string(),
        v if v == f64::INFINITY => "+Inf".to_string(),
        v if v == f64::NEG_INFINITY => "-Inf".to_string(),
        v => format!("{v:?}"),
    }
}

/// A moment as Prometheus takes it.
pub fn seconds(t_ms: i64) -> String {
    format!("{}.{:03}", t_ms / 1000, t_ms % 1000)
}

/// A Prometheus on samples of ours, on loopback, until it is dropped.
pub struct Server {
    child: Child,
    directory: PathBuf,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Server {
    /// Starts one; why not, if it cannot be had.
    pub fn start(name: &str, text: &str) -> Result<Server, String> {
        let directory = std::env::temp_dir().join(format!("scartissue-prometheus-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).map_err(|e| e.to_string())?;
        let (file, config, data) = (directory.join("samples"), directory.join("config.yml"), directory.join("data"));
        std::fs::write(&file, text)
            .and_then(|()| std::fs::write(&config, "global: {}\n"))
            .map_err(|e| e.to_string())?;
        let made = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&file, &data])
            .stdout(Stdio::null())
            .output()
            .map_err(|e| format!("promtool does not run here: {e}"))?;
        assert!(made.status.success(), "promtool takes our OpenMetrics: {}", String::from_utf8_lossy(&made.stderr));
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.map_err(|e| e.to_string())?.port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("prometheus does not run here: {e}"))?;
        let server = Server { child, directory, port };
        for _ in 0..150 {
            std::thread::sleep(Duration::from_millis(200));
            if server.get("GET /-/ready HTTP/1.0\r\n\r\n").is_ok_and(|answer| answer.contains(" 200 ")) {
                return Ok(server);
            }
        }
        Err("prometheus is not ready after 30 s".to_string())
    }

    fn get(&self, request: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Status and body of its answer to any request.
    pub fn raw(&self, method: &str, path: &str, form: &str) -> Result<(u16, serde_json::Value), String> {
        let request = format!(
            "{method} {path} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let answer = self.get(&request).map_err(|e| format!("prometheus does not answer: {e}"))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Ok((status, serde_json::from_str(body).unwrap_or_default()))
    }

    /// Its rows, or its refusal.
    pub fn ask(&self, endpoint: &str, parameters: &[(&str, String)]) -> Result<Result<Rows, String>, String> {
        self.data(endpoint, parameters).map(|answer| answer.map(|data| rows(&data)))
    }

    /// The data of its answer, or its refusal.
    pub fn data(
        &self,
        endpoint: &str,
        parameters: &[(&str, String)],
    ) -> Result<Result<serde_json::Value, String>, String> {
        let form: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let form = form.join("&");
        let request = format!(
            "POST /api/v1/{endpoint} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let answer = self.get(&request).map_err(|e| format!("prometheus does not answer: {e}"))?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        let answer: serde_json::Value = serde_json::from_str(body).map_err(|e| format!("{e}: {answer}"))?;
        Ok(match answer["status"].as_str() {
            Some("success") => Ok(answer["data"].clone()),
            _ => Err(answer["error"].as_str().unwrap_or_default().to_string()),
        })
    }
}

fn rows(data: &serde_json::Value) -> Rows {
    let point = |pair: &serde_json::Value| {
        let t_ms = (pair[0].as_f64().expect("seconds") * 1000.0).round() as i64;
        (t_ms, pair[1].as_str().and_then(|v| v.parse().ok()).unwrap_or(f64::NAN))
    };
    if let Some("scalar" | "string") = data["resultType"].as_str() {
        return Rows::from([(Labels::default(), vec![point(&data["result"])])]);
    }
    let row = |row: &serde_json::Value| {
        let labels = row["metric"].as_object().expect("labels").iter();
        let labels = Labels::new(labels.map(|(name, value)| (name.as_str(), value.as_str().expect("text"))));
        let points = match row["values"].as_array() {
            Some(values) => values.iter().map(point).collect(),
            None => vec![point(&row["value"])],
        };
        (labels, points)
    };
    data["result"].as_array().expect("rows").iter().map(row).collect()
}

/// A text as an address or a form has it.
pub fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}
