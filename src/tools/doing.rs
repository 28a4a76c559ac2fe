//! Tools that tell, order and wait.

use super::answers::{ActionOf, Actions, PreviewOf};
use super::arguments::{Armed, Nothing, OfAction, Order, Seconds, SeverityLevel, Team, Text, UpdateText};
use super::attempt::{Attempt, Wrong};
use super::table::{About, Kind, Tool, free, says};
use crate::scenario::apply::FORMS;
use crate::session::command::{Command, Update};

fn about(name: &'static str, title: &'static str, says: &'static str, kind: Kind) -> About {
    About { name, title, says, kind }
}

/// In the order in which one needs them.
pub(super) fn tools() -> Vec<Tool> {
    use Kind::{Acts, Notes, Reads};
    vec![
        says(
            about(
                "acknowledge_page",
                "Acknowledge the page",
                "Say that the page was seen; after five minutes without it the secondary is woken. Free.",
                Notes,
            ),
            |_: Nothing| Ok(vec![Command::Acknowledge]),
        ),
        says(
            about("set_severity", "Set the severity", "Say how bad it is, 1 (worst) to 4. Free.", Notes),
            |a: SeverityLevel| Ok(vec![Command::Severity { level: a.level }]),
        ),
        says(
            about("page_team", "Wake another team", "Wake another team; they read the channel. Free.", Notes),
            |a: Team| Ok(vec![Command::Page { team: a.team }]),
        ),
        says(
            about(
                "post_update",
                "Tell those who wait",
                "A structured update for everybody who waits: how many are hurt, what leads, what is done, when the next one comes. Price: 15 s of simulated time.",
                Notes,
            ),
            |a: UpdateText| {
                Ok(vec![Command::Update(Update {
                    impact_percent: a.impact_percent,
                    hypothesis: a.hypothesis,
                    percent: a.sure_percent,
                    action: a.doing,
                    next_minutes: a.next_minutes,
                })])
            },
        ),
        says(about("say", "Say something", "Say something in the incident's channel. Free.", Notes), |a: Text| {
            Ok(vec![Command::Say { text: a.text }])
        }),
        free(
            about(
                "list_actions",
                "What can be ordered",
                "Every action with what it does and how it is written. Free.",
                Reads,
            ),
            |_, _, _: Nothing| Ok(Actions { actions: actions() }),
        ),
        free(
            about(
                "preview_action",
                "What an order would touch",
                "What an action would touch, how soon it works and whether it can be taken back; never what would come of it. Free.",
                Reads,
            ),
            |attempt: &mut Attempt, _, a: OfAction| {
                let p = attempt.preview(&a.text())?;
                Ok(PreviewOf {
                    action: p.action,
                    scope: p.scope,
                    delay_s: p.delay_s,
                    reversible: p.reversible,
                    confirm: p.confirm,
                })
            },
        ),
        says(
            about(
                "arm",
                "Allow or forbid orders",
                "Allow orders, or only previews of them. A run begins unarmed. Free.",
                Notes,
            ),
            |a: Armed| Ok(vec![if a.armed { Command::Arm } else { Command::Safe }]),
        ),
        says(
            about(
                "take_action",
                "Order an action",
                "Order an action on the stack that users depend on; arm first, and preview_action says what it touches. It takes effect after its delay, and may do harm. Price: 10 s of simulated time.",
                Acts,
            ),
            |a: Order| Ok(vec![a.command()]),
        ),
        says(
            about("wait", "Let time pass", "Let simulated time pass, for as long as you say.", Notes),
            |a: Seconds| {
                if !a.seconds.is_finite() {
                    return Err(Wrong::from("wait, argument \"seconds\": 0 to 3600"));
                }
                Ok(vec![Command::Wait { seconds: a.seconds }])
            },
        ),
        says(
            about(
                "wait_for_news",
                "Wait for something to happen",
                "Let simulated time pass until there is something new to be seen: the page, an alert, an order that takes effect, somebody who speaks; ten minutes at most.",
                Notes,
            ),
            |_: Nothing| Ok(vec![Command::Next]),
        ),
        says(
            about(
                "request_hint",
                "Take a hint",
                "The next hint, where the run is played with hints. Each costs points. Free of simulated time.",
                Notes,
            ),
            |_: Nothing| Ok(vec![Command::Hint]),
        ),
        says(about("bookmark", "Mark this moment", "Mark this moment for the debrief. Free.", Notes), |a: Text| {
            Ok(vec![Command::Bookmark { text: a.text }])
        }),
    ]
}

/// Every action.
pub(super) fn actions() -> Vec<ActionOf> {
    let form = |f: &crate::scenario::apply::Form| ActionOf { usage: f.usage(), does: f.does.to_string() };
    FORMS.iter().map(form).collect()
}
