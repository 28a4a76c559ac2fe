//! The envelope of Prometheus' answers: `status`, `data`, `errorType`, `error`, `warnings`.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Data, with what is worth a warning.
pub(super) struct Answered {
    pub data: Value,
    pub warnings: Vec<String>,
}

impl Answered {
    pub(super) fn of(data: Value) -> Answered {
        Answered { data, warnings: Vec::new() }
    }
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let mut body = json!({ "status": "success", "data": self.data });
        if !self.warnings.is_empty() {
            body["warnings"] = json!(self.warnings);
        }
        as_json(StatusCode::OK, &body)
    }
}

/// Why there are none, with Prometheus' word for the kind of reason.
#[derive(Debug)]
pub(in crate::wire) struct Refused {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Refused {
    pub(in crate::wire) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Refused {
        Refused { status, kind, message: message.into() }
    }

    /// The question is wrong.
    pub(in crate::wire) fn bad_data(message: impl Into<String>) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, "bad_data", message)
    }

    /// A parameter is wrong.
    pub(super) fn parameter(name: &str, message: impl std::fmt::Display) -> Refused {
        Refused::bad_data(format!("invalid parameter \"{name}\": {message}"))
    }

    /// The question is right, and has no answer.
    pub(super) fn execution(message: impl Into<String>) -> Refused {
        Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "execution", message)
    }

    /// Nothing is answered any more, or not now.
    pub(super) fn unavailable(message: impl Into<String>) -> Refused {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response =
            as_json(self.status, &json!({ "status": "error", "errorType": self.kind, "error": self.message }));
        // The rate is one of seconds: after one there is room again.
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}

fn as_json(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
