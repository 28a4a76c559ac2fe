//! The protocol over a pair of pipes, and over HTTP behind the same guard as everything else that is served.

use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use rmcp::ServiceExt;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService, stdio};

use super::handler::Handler;
use crate::session::live::Clock;
use crate::wire::guard::{Guard, stand};
use crate::wire::prometheus::envelope::Refused;
use crate::wire::serve::{Serving, WireError, serve_routes};

/// Bytes of a message: more than any call of a tool has.
const MESSAGE_BYTES: usize = 262_144;

/// Serves one client over standard input and output, until it goes.
///
/// # Errors
/// The system refuses, or the client does not speak the protocol.
pub fn serve_stdio(handler: Handler) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let done = runtime.block_on(async {
        let serving = handler.serve(stdio()).await.map_err(|e| e.to_string())?;
        serving.waiting().await.map(drop).map_err(|e| e.to_string())
    });
    // A read of standard input cannot be taken back.
    runtime.shutdown_background();
    done
}

/// The protocol at `/mcp`, behind a guard.
pub fn routes(handler: Handler, clock: Arc<dyn Clock>, guard: Guard) -> Router {
    // The guard has looked at Host and Origin, and knows the names that were allowed.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(None)
        .with_max_request_body_bytes(MESSAGE_BYTES)
        .disable_allowed_hosts()
        .disable_allowed_origins();
    let service =
        StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(NeverSessionManager::default()), config);
    let guard = Arc::new(guard);
    Router::new()
        .route_service("/mcp", service)
        .route("/-/healthy", axum::routing::get(|| async { "Scar Tissue is healthy.\n" }))
        .fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(&guard), take_turns))
        .layer(from_fn_with_state((clock, guard), stand))
}

/// Serves the protocol on a socket that listens already, until what is returned is dropped.
///
/// # Errors
/// The socket is not on loopback and no token is needed, or the system refuses.
pub fn serve_http(
    listener: TcpListener,
    handler: Handler,
    clock: Arc<dyn Clock>,
    guard: Guard,
) -> Result<Serving, WireError> {
    let (connections, needs_token) = (guard.limits.connections, guard.needs_token());
    serve_routes(listener, routes(handler, clock, guard), connections, needs_token)
}

/// No more calls are under way than may wait.
async fn take_turns(
    axum::extract::State(guard): axum::extract::State<Arc<Guard>>,
    ask: Request,
    next: axum::middleware::Next,
) -> Response {
    let Ok(_turn) = guard.waiting.try_acquire() else {
        let message = format!("{} calls are under way: call again later", guard.limits.waiting);
        return Refused::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message).into_response();
    };
    next.run(ask).await
}

async fn nowhere(ask: Request) -> Response {
    let message = format!("there is no {} here: the Model Context Protocol is at /mcp", ask.uri().path());
    Refused::new(StatusCode::NOT_FOUND, "not_found", message).into_response()
}
