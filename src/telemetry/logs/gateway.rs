//! What gateways write of the requests that they handled, and the auth service of those it was slow with.

use crate::sim::rng::mix;
use crate::sim::time::SimDuration;
use crate::sim::world::World;
use crate::sim::world::recording::{AttemptRow, Reason};
use crate::telemetry::logs::{Desk, Level, Pod, Words, took};
use crate::telemetry::scene::Scene;

/// Of so many requests that were answered in full, one stands in the access log.
pub const ACCESS_SAMPLE: u64 = 20;

/// A credential look-up is slow, and told, from here on.
const SLOW_LOOKUP: SimDuration = SimDuration::from_millis(200);

/// Writes the lines of an attempt with which its gateway is done.
pub(super) fn attempt(desk: &mut Desk, scene: &Scene, world: &World, row: &AttemptRow) {
    auth(desk, scene, world, row);
    if row.answered_in_full() {
        if mix(row.serial, 0xacce55).is_multiple_of(ACCESS_SAMPLE) {
            write(desk, scene, row, "access", Level::Info, || access(scene, row, "-"));
        }
        return;
    }
    let told = explain(row);
    write(desk, scene, row, told.kind, told.level, || match row.reason {
        Reason::DecoderException => decoder_trace(scene, row, told.flags),
        Reason::FlagException(place) => {
            let flag = world.recording().flags().get(usize::from(place)).map_or("", String::as_str);
            flag_trace(scene, row, told.flags, flag)
        }
        _ => format!("{}: {}", access(scene, row, told.flags), told.says.text(row)),
    });
}

fn write(
    desk: &mut Desk,
    scene: &Scene,
    row: &AttemptRow,
    kind: &'static str,
    level: Level,
    body: impl FnOnce() -> String,
) {
    desk.write_some(scene, kind, (row.ended, Pod::Gateway(row.gateway), level), || about(scene, row, body()));
}

/// Words about an attempt.
fn about(scene: &Scene, row: &AttemptRow, body: String) -> Words {
    Words { trace: Some(scene.trace(row.intent)), request: Some(scene.request(row.serial)), body }
}

/// One line of the access log; the flags are Envoy's.
fn access(scene: &Scene, row: &AttemptRow, flags: &str) -> String {
    let (client, version) = scene.client(row.client, row.released);
    let first = row.first_token.map_or("-".to_string(), |at| took(at.since(row.arrived)));
    let upstream = row.replica.map_or("-".to_string(), |r| scene.pod(r));
    format!(
        "POST /v1/messages {} {flags} {} ttft={first} model={} acct={} client={client}/{version} retry={} upstream={upstream} \
         calls={} in={} cached={} out={}",
        row.status(),
        took(row.ended.since(row.arrived)),
        scene.model(row.model),
        scene.account(row.account),
        row.retry_count,
        row.calls,
        row.prompt_tokens,
        row.cached_tokens.iter().sum::<u32>(),
        row.output_tokens,
    )
}

/// How a gateway words a request that was not answered in full.
struct Told {
    kind: &'static str,
    flags: &'static str,
    level: Level,
    says: Says,
}

/// The words, or from what they are made.
enum Says {
    Text(&'static str),
    ClosedWaiting,
    PromptTooLong,
    TooManyImages,
}

impl Says {
    fn text(&self, row: &AttemptRow) -> String {
        match self {
            Says::Text(text) => text.to_string(),
            Says::ClosedWaiting => {
                format!("client closed the stream after {} without a token", took(row.ended.since(row.arrived)))
            }
            Says::PromptTooLong => format!("prompt is too long: {} tokens", row.prompt_tokens),
            Says::TooManyImages => format!("{} images are not accepted", row.images),
        }
    }
}

fn explain(row: &AttemptRow) -> Told {
    use Level::{Error, Info, Warn};
    let told = |kind, flags, level, text| Told { kind, flags, level, says: Says::Text(text) };
    let worded = |kind, flags, level, says| Told { kind, flags, level, says };
    if row.status() == 499 {
        return match row.first_token {
            None => worded("client_closed", "DC", Warn, Says::ClosedWaiting),
            Some(_) => told("client_closed", "DC", Warn, "client closed the stream before its end"),
        };
    }
    match row.reason {
        Reason::Blocked => told("blocked", "RBAC", Warn, "account is not allowed to use the API"),
        Reason::Shed => told("overload_shed", "RL", Warn, "load shedding is on, retry-after 5 s"),
        Reason::RateLimited => told("rate_limited", "RL", Warn, "account is over its limit per minute"),
        Reason::WorkersBusy => told("workers_busy", "UO", Error, "backlog of the worker threads is full"),
        Reason::AuthTimeout => told("auth_timeout", "UAEX", Error, "credential lookup: deadline exceeded"),
        Reason::TooLong => worded("prompt_too_long", "-", Info, Says::PromptTooLong),
        Reason::ImageLimit => worded("image_limit", "-", Info, Says::TooManyImages),
        Reason::ImagesOff => told("images_off", "-", Info, "images are turned off"),
        Reason::DecodersBusy => told("decoders_busy", "UO", Error, "queue of the image decoders is full"),
        Reason::DecoderException => told("image_decode_exception", "-", Error, ""),
        Reason::FlagException(_) => told("unhandled_exception", "-", Error, ""),
        Reason::NoReplica => told("no_healthy_upstream", "UH", Error, "no healthy upstream"),
        Reason::Certificate => {
            told("upstream_tls", "UF", Error, "upstream TLS handshake failed: certificate has expired")
        }
        Reason::ReplicaGone => told("upstream_reset", flags(row, "UC"), Error, "upstream reset the connection"),
        Reason::ReplicaError => told("upstream_500", flags(row, "-"), Error, "upstream answered 500 EngineDeadError"),
        Reason::ReplicaFull => {
            told("upstream_overloaded", flags(row, "UO"), Error, "upstream answered 529: its queue is full")
        }
        Reason::LoadFailed => told("upstream_kv_load", flags(row, "-"), Error, "upstream answered 500 KVLoadError"),
        Reason::UpstreamTimeout => told("upstream_timeout", flags(row, "UT"), Error, "upstream sent no token in time"),
        Reason::None => told("shutting_down", "UC", Error, "process is stopping, request cut off"),
    }
}

/// Envoy's flag for a failure after the last allowed try.
fn flags(row: &AttemptRow, one: &'static str) -> &'static str {
    if 1 < row.calls { "URX" } else { one }
}

fn decoder_trace(scene: &Scene, row: &AttemptRow, flags: &str) -> String {
    format!(
        "{}: unhandled exception\n\
         Traceback (most recent call last):\n  \
         File \"/srv/gateway/app/handlers/messages.py\", line 231, in create_message\n    \
         parts = await media.decode_all(request.images)\n  \
         File \"/srv/gateway/app/media/decode.py\", line 88, in decode_all\n    \
         slots[n] = self.table[n].decode(image)  # n={}\n               \
         ~~~~~~~~~~^^^\n\
         IndexError: list index out of range",
        access(scene, row, flags),
        row.images.saturating_sub(1),
    )
}

/// The trace of an exception on a code path that only requests behind a flag take; files and lines follow its name.
fn flag_trace(scene: &Scene, row: &AttemptRow, flags: &str, flag: &str) -> String {
    let path: String =
        flag.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let place = flag.bytes().fold(7, |hash, byte| mix(hash, u64::from(byte)));
    let (line, inner) = (60 + place % 240, 20 + place / 240 % 90);
    format!(
        "{}: unhandled exception\n\
         Traceback (most recent call last):\n  \
         File \"/srv/gateway/app/handlers/messages.py\", line 187, in create_message\n    \
         request = await pipeline.apply(request)\n  \
         File \"/srv/gateway/app/pipeline.py\", line {inner}, in apply\n    \
         return await {path}.apply(request)\n  \
         File \"/srv/gateway/app/features/{path}.py\", line {line}, in apply\n    \
         limits = self.by_tier[request.account.tier]\n\
         AttributeError: 'NoneType' object has no attribute 'tier'",
        access(scene, row, flags),
    )
}

/// The auth service tells of look-ups that took long or took too long.
fn auth(desk: &mut Desk, scene: &Scene, world: &World, row: &AttemptRow) {
    let Some(asked) = row.parsed else { return };
    let late = row.reason == Reason::AuthTimeout;
    let until = match row.authenticated {
        Some(at) => at,
        None if late => row.ended,
        None => return,
    };
    let waited = until.since(asked);
    if waited < SLOW_LOOKUP && !late {
        return;
    }
    let (kind, level) = if late { ("lookup_deadline", Level::Error) } else { ("lookup_slow", Level::Warn) };
    desk.write_some(scene, kind, (row.ended, Pod::Auth, level), || {
        let (account, shard) = (scene.account(row.account), world.auth_shard(row.account));
        let body = match late {
            true => format!("lookup {account} shard={shard}: deadline exceeded after {}", took(waited)),
            false => format!("lookup {account} shard={shard}: answered by the store after {}", took(waited)),
        };
        about(scene, row, body)
    });
}
