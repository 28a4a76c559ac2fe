//! What speaks for what. Every rule speaks for one mechanism, with the observation that it rests on; none knows a case.

use crate::assistant::careful::Case;
use crate::assistant::careful::seen::{Seen, number, pods, pool_of, pools, rows, waited_for};
use crate::assistant::hand::Hand;
use crate::assistant::signs::Sign;
use crate::session::Refusal;
use crate::session::command::Look;

/// Whether those who fail always fail, by account.
const ALWAYS: &str = "select sum(bad > 0) as touched, sum(bad > 0 and bad = n) as always from (select account, count(*) as n, \
                      sum(status >= 500 or status in (401, 403)) as bad from requests where time_ms > \
                      (select max(time_ms) from requests) - 240000 group by account having n >= 3)";
/// Whether accounts whose requests fail were made together, and send one and the same.
const TOGETHER: &str = "select count(*) as n, max(a.age_days) - min(a.age_days) as days, min(r.least) as least, \
                        max(r.most) as most from accounts a join (select account, min(images) as least, max(images) as most \
                        from requests where status >= 500 and time_ms > (select max(time_ms) from requests) - 240000 \
                        group by account) r on r.account = a.account";
/// A rise of what is wanted that is worth a word.
const RISEN: f64 = 1.12;
/// Prompts of conversations grow by themselves while these are young, but not so much.
const TWICE: f64 = 2.0;

/// Holds what was seen against every mechanism that it knows.
pub(super) fn judge(hand: &mut Hand<'_>, seen: &Seen) -> Result<Case, Refusal> {
    let mut case = Case::default();
    failures(hand, seen, &mut case)?;
    paths(seen, &mut case);
    machines(seen, &mut case);
    let odd = odd_one(seen, &mut case);
    caches(hand, seen, &mut case)?;
    work(seen, &mut case);
    fleet(seen, &mut case);
    demand(seen, odd, &mut case);
    if !seen.anybody_suffers() {
        // Nothing that moved hurts anybody.
        case.speaks("no_fault", 6.0, seen.pain.1);
        case.speaks("no_fault", 0.0, seen.own.number);
    }
    Ok(case)
}

fn failures(hand: &mut Hand<'_>, seen: &Seen, case: &mut Case) -> Result<(), Refusal> {
    let failed = &seen.failed;
    let Some(worst) = rows(failed).find(|row| row[0].as_str() != Some("client_closed_request")) else { return Ok(()) };
    let came = seen.signs.line("requests", "all").map_or(0.0, |sign| sign.now);
    if number(&worst[1]) < 0.01 * 240.0 * came {
        return Ok(());
    }
    let (replicas, fewest) = (number(&worst[3]), number(&worst[4]));
    match worst[0].as_str().unwrap_or_default() {
        // Nobody fails who sends no picture: it is not the path, but what goes down it.
        "unhandled_exception" if 1.0 <= fewest => {
            case.speaks("api.image_decoder", 4.0, failed.number);
            let together = hand.sql(TOGETHER)?;
            let row = &together.data["rows"][0];
            let made_at_once = 20.0 <= number(&row[0]) && number(&row[1]) < 1.0;
            if made_at_once && row[2] == row[3] {
                case.speaks("demand.abuse", 6.0, together.number);
                case.speaks("demand.abuse", 0.0, failed.number);
            }
        }
        "unhandled_exception" => case.speaks("api.flag", 5.5, failed.number),
        "upstream_tls_error" => case.speaks("network.certificate", 6.5, failed.number),
        "auth_timeout" => {
            let always = hand.sql(ALWAYS)?;
            let row = &always.data["rows"][0];
            let all = number(&row[1]) / number(&row[0]).max(1.0);
            let (mechanism, other) =
                if 0.5 < all { ("api.auth_shard", "api.auth_store") } else { ("api.auth_store", "api.auth_shard") };
            case.speaks(mechanism, 5.5, always.number);
            case.speaks(mechanism, 0.0, failed.number);
            case.speaks(other, 2.0, failed.number);
        }
        // One of many that fails most is answering fastest.
        "upstream_error" if replicas <= 2.0 => case.speaks("serving.fail_fast", 5.5, failed.number),
        "upstream_error" | "upstream_reset" => case.speaks("serving.crash", 3.0, failed.number),
        "no_healthy_upstream" => {
            case.speaks("control.health_check", 2.0, failed.number);
            case.speaks("serving.crash", 1.5, failed.number);
        }
        "rate_limited" => case.speaks("api.rate_limit", 4.5, failed.number),
        "worker_queue_full" => case.speaks("api.workers", 4.0, failed.number),
        "upstream_timeout" | "upstream_overloaded" => case.speaks("serving.capacity", 0.5, failed.number),
        _ => {}
    }
    Ok(())
}

/// What happens between those who ask and those who compute.
fn paths(seen: &Seen, case: &mut Case) {
    let signs = &seen.signs;
    if let Some(broken) = signs.line("handshakes", "broken off").filter(|sign| 0.05 < sign.now && 3.0 < sign.ratio()) {
        case.speaks("network.certificate", 3.0, broken.observation);
    }
    if rows(&seen.failed).any(|row| row[0].as_str() == Some("upstream_tls_error")) {
        // Connections fail and engines idle because of that.
        return;
    }
    if let Some(lost) = signs.loudest("connect_failures").filter(|sign| 0.05 < sign.now && 3.0 < sign.ratio()) {
        case.speaks("network.loss", 2.0, lost.observation);
    }
    // As much comes as ever, gateways stand, and engines have nothing to do.
    let comes = signs.line("requests", "all").is_some_and(|sign| 0.8 < sign.ratio());
    let stand = !signs.of("replicas").any(|sign| sign.legend == "gateway" && sign.now < sign.before);
    let mut worked = signs.of("running").filter(|sign| 1.0 <= sign.before).peekable();
    if comes && stand && worked.peek().is_some() {
        let (mut idle, mut all, mut observation) = (0, 0, 0);
        for sign in worked {
            idle += u32::from(sign.ratio() < 0.2);
            all += 1;
            observation = sign.observation;
        }
        if all * 3 < idle * 4 {
            case.speaks("network.loss", 4.5, observation);
        }
    }
}

fn machines(seen: &Seen, case: &mut Case) {
    if let Some(slow) = seen.signs.of("clock").find(|sign| 0.0 < sign.now && sign.ratio() < 0.8) {
        case.speaks("accelerator.clock", 6.0, slow.observation);
    }
    if let Some(lost) = seen.signs.of("xid").find(|sign| 0.0 < sign.now && sign.before == 0.0) {
        case.speaks("accelerator.lost", 1.5, lost.observation);
    }
}

/// Waiting or working: arithmetic tells, utilisation does not.
fn odd_one(seen: &Seen, case: &mut Case) -> bool {
    let Some(odd) = waited_for(&seen.signs) else { return uneven(seen, case) };
    let Some(pool) = pool_of(&odd.legend) else { return false };
    let mut peers: Vec<f64> = pods(&seen.signs, "tensor_active", pool).map(|sign| sign.now).collect();
    peers.sort_by(f64::total_cmp);
    let usual = peers.get(peers.len() / 2).copied().unwrap_or(0.0);
    let Some(works) = seen.signs.line("tensor_active", &odd.legend) else { return true };
    let mut say = |mechanism, weight| {
        case.speaks(mechanism, weight, works.observation);
        case.speaks(mechanism, 0.0, odd.observation);
    };
    if works.now < 0.1 * usual {
        say("accelerator.hang", 6.0);
        say("accelerator.link", 3.0);
    } else if works.now < 0.6 * usual {
        say("accelerator.link", 5.5);
        say("accelerator.hang", 2.5);
    } else {
        say("serving.routing", 5.0);
    }
    true
}

/// People wait at one replica while a neighbour of the same age, at work too, has seats to spare.
fn uneven(seen: &Seen, case: &mut Case) -> bool {
    let signs = &seen.signs;
    let line = |sign: &Sign| signs.line("waiting", &sign.legend).map_or(0.0, |line| line.now);
    for pool in pools(signs) {
        let grew = signs.line("replicas", pool).is_some_and(|ready| ready.before != ready.now);
        let most = pods(signs, "running", pool).max_by(|a, b| line(a).total_cmp(&line(b)));
        let Some(most) = most.filter(|most| !grew && 20.0 < line(most)) else { continue };
        let spare = |sign: &&Sign| 1.0 <= sign.now && sign.now < 0.8 * most.now && line(sign) < 1.0;
        if let Some(spare) = pods(signs, "running", pool).find(spare) {
            case.speaks("serving.routing", 4.5, spare.observation);
            return true;
        }
    }
    false
}

fn caches(hand: &mut Hand<'_>, seen: &Seen, case: &mut Case) -> Result<(), Refusal> {
    let signs = &seen.signs;
    let dearer = signs.of("computed").filter(|sign| 1.3 < sign.ratio()).max_by(|a, b| a.now.total_cmp(&b.now));
    let outside = signs.of("external_hits").filter(|sign| 0.05 < sign.before && sign.ratio() < 0.88);
    if let (Some(dearer), Some(outside)) = (dearer, outside.min_by(|a, b| a.ratio().total_cmp(&b.ratio()))) {
        for (reason, mechanism) in
            [("invalid", "kv_cache.invalidation"), ("reset", "kv_cache.flush"), ("lost", "kv_cache.node_down")]
        {
            let peak = |sign: &&Sign| 0.0 < sign.values.iter().flatten().copied().fold(0.0, f64::max);
            if let Some(removed) = signs.line("tier_removed", reason).filter(peak) {
                case.speaks(mechanism, 6.0, removed.observation);
            }
        }
        let ring = hand.look(Look::Fleet { line: "ring".to_string() })?;
        let on_spares = ring.text.split(" members, ").nth(1).and_then(|rest| rest.split(' ').next());
        if on_spares.and_then(|n| n.parse::<u32>().ok()).is_some_and(|n| 0 < n) {
            case.speaks("kv_cache.membership", 7.0, ring.number);
            case.speaks("kv_cache.membership", 0.0, dearer.observation);
        }
        case.speaks("kv_cache.key", 1.5, outside.observation);
        return Ok(());
    }
    let own = &seen.own.data["rows"][0];
    let fell = number(&own[2]) < 0.85 * number(&own[1]) && 1.15 * number(&own[3]) < number(&own[4]);
    let (longer_prompts, _) = seen.longer();
    for pool in pools(&seen.signs) {
        // Full, and not because more or longer ones are inside: there is less of it.
        let sum = |panel| {
            pods(&seen.signs, panel, pool).fold((0.0, 0.0, 0, 0.0), |(before, now, at, n), sign| {
                (before + sign.before, now + sign.now, at.max(sign.observation), n + 1.0)
            })
        };
        let (used, inside) = (sum("kv_usage"), sum("running"));
        let each = (used.1 / inside.1.max(1.0)) / (used.0 / inside.0.max(1.0)).max(1e-6);
        if 0.8 < used.1 / used.3 && 2.0 < each && longer_prompts < TWICE {
            case.speaks("kv_cache.capacity", 5.5, used.2);
            case.speaks("kv_cache.capacity", 0.0, seen.own.number);
        } else if fell && longer_prompts < TWICE && used.1 / used.3 < 0.5 {
            let lost = signs.line("own_hits", pool).filter(|sign| sign.ratio() < 0.75);
            if let Some(lost) = lost {
                case.speaks("serving.routing", 1.5, lost.observation);
                case.speaks("kv_cache.key", 1.0, lost.observation);
            }
        }
    }
    if let Some(hits) = signs.line("hit_ratio", "found").filter(|sign| sign.ratio() < 0.9)
        && !fell
    {
        // The share over all fell and nobody's own did: another mixture of the same work.
        case.speaks("no_fault", 1.0, hits.observation);
    }
    Ok(())
}

/// What a request is.
fn work(seen: &Seen, case: &mut Case) {
    let (prompts, answers) = seen.longer();
    let suffers = seen.anybody_suffers();
    if suffers && TWICE < prompts {
        case.speaks("serving.long_prompts", 5.5, seen.work.number);
    }
    if suffers && 1.5 < answers {
        case.speaks("serving.long_answers", 5.0, seen.work.number);
    }
}

/// What there is to do the work.
fn fleet(seen: &Seen, case: &mut Case) {
    let signs = &seen.signs;
    let waits = seen.signs.of("waiting").any(|sign| 4.0 < sign.now);
    if waits && seen.scalers.text.to_lowercase().contains("unknown") {
        case.speaks("control.autoscaler", 5.5, seen.scalers.number);
    }
    let ready = signs.of("replicas").filter(|sign| !sign.legend.contains(' '));
    for ready in ready {
        if ready.legend == "gateway" {
            continue;
        }
        if ready.now < ready.before {
            let there: Vec<f64> = ready.values.iter().flatten().copied().collect();
            let dips = there.windows(2).filter(|pair| pair[1] < pair[0]).count();
            let mechanism = if 2 < dips { "serving.rollout" } else { "serving.capacity" };
            case.speaks(mechanism, 4.5, ready.observation);
        }
        // Some that are ready get nothing, while people wait at the others.
        let seats: Vec<&Sign> = pods(signs, "running", &ready.legend).collect();
        let most = seats.iter().map(|sign| sign.now).fold(0.0, f64::max);
        let busy = seats.iter().filter(|sign| 0.2 * most < sign.now).count();
        let line = pods(&seen.signs, "waiting", &ready.legend).map(|sign| sign.now).fold(0.0, f64::max);
        if 8.0 < most && 4.0 < line && 2.0 <= ready.now - busy as f64 && ready.before < ready.now {
            let idle = seats.iter().min_by(|a, b| a.now.total_cmp(&b.now));
            case.speaks("network.pinning", 6.0, idle.map_or(ready.observation, |sign| sign.observation));
            case.speaks("network.pinning", 0.0, ready.observation);
        }
    }
    if let Some(restarts) = signs.line("gateway_restarts", "restarts").filter(|sign| 2.0 <= sign.now - sign.before) {
        let weight = if RISEN < seen.wants.risen.1 { 3.0 } else { 5.0 };
        case.speaks("api.gateway_memory", weight, restarts.observation);
    }
}

/// Wants, tries, and who makes them.
fn demand(seen: &Seen, odd: bool, case: &mut Case) {
    let risen = seen.wants.risen.1;
    if RISEN < risen {
        let mut weight = 2.5 + 5.0 * (risen - 1.0).min(1.0);
        if odd {
            // A shortage would be everybody's.
            weight *= 0.4;
        }
        if seen.signs.line("gateway_restarts", "restarts").is_some_and(|sign| 2.0 <= sign.now - sign.before) {
            weight += 1.0;
        }
        let (first, second) = if seen.wants.on_the_clock {
            ("demand.synchronised", "demand.growth")
        } else {
            ("demand.growth", "demand.synchronised")
        };
        if !seen.anybody_suffers() {
            weight *= 0.3;
        }
        case.speaks(first, weight, seen.wants.first_tries);
        case.speaks(first, 0.0, seen.wants.usual);
        case.speaks(second, weight - 2.0, seen.wants.first_tries);
    }
    if let Some(again) = seen.signs.line("client_retries", "retries").filter(|sign| 0.1 < sign.now) {
        // More tries at no more things is what retrying does, whatever began it.
        case.speaks("sdk.retries", 2.0, again.observation);
        case.speaks("sdk.retries", 0.0, seen.wants.first_tries);
        let came = seen.signs.line("requests", "all").map_or(0.0, |sign| sign.now);
        let layered = seen.signs.line("gateway_retries", "sent").filter(|sign| 0.1 * came < sign.now);
        if let Some(layered) = layered.filter(|_| risen < RISEN) {
            case.speaks("sdk.retries", 2.5, layered.observation);
        }
    }
}
