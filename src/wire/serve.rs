//! Sockets: a thread of its own with one runtime, HTTP/1.1, with limits on connections and on slow clients.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{Semaphore, oneshot};

use super::guard::Guard;
use super::{Served, prometheus};

/// The head of a request comes within so long.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of a head, and more than an address may have.
const HEAD_BYTES: usize = 131_072;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Others could ask without a token.
    #[error(
        "{0} can be reached from elsewhere: name who may ask with --token-file, or serve on 127.0.0.1 and let others come through a tunnel"
    )]
    Open(SocketAddr),
    /// The system refuses.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// What is served until this is dropped.
pub struct Serving {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Where.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Serves a session on a socket that listens already.
///
/// # Errors
/// The socket is not on loopback and no token is needed, or the system refuses.
pub fn serve(listener: TcpListener, served: Served, guard: Guard) -> Result<Serving, WireError> {
    let (connections, is_guarded) = (guard.limits.connections, guard.needs_token());
    serve_routes(listener, prometheus::routes(served, guard), connections, is_guarded)
}

/// Serves routes that stand behind a guard.
pub(super) fn serve_routes(
    listener: TcpListener,
    routes: Router,
    connections: usize,
    needs_token: bool,
) -> Result<Serving, WireError> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() && !needs_token {
        return Err(WireError::Open(address));
    }
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _within = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("wire".to_string()).spawn(move || {
        runtime.block_on(async {
            let accepting = tokio::spawn(accept(listener, routes, connections));
            drop(stopped.await);
            accepting.abort();
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
    })?;
    Ok(Serving { address, stop: Some(stop), thread: Some(thread) })
}

async fn accept(listener: tokio::net::TcpListener, routes: Router, connections: usize) {
    let connections = Arc::new(Semaphore::new(connections));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file handles, most likely: some will be free again.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let service = TowerToHyperService::new(routes.clone());
        tokio::spawn(async move {
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(HEAD_BYTES);
            drop(http.serve_connection(TokioIo::new(stream), service).await);
            drop(permit);
        });
    }
}
