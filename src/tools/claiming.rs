//! Tools that claim: beliefs, evidence, the diagnosis, the end, the postmortem.

use super::answers::{MechanismOf, Mechanisms, Postmortem};
use super::arguments::{Contradiction, Diagnosis, Nothing, OfMechanism, Pinned, Points, Sections, Text, Words};
use super::attempt::{Attempt, Wrong};
use super::reading::nearest;
use super::table::{About, Kind, Tool, free, says};
use crate::scenario::mechanisms::{self, MECHANISMS, Mechanism};
use crate::session::command::{Command, Commit, DeclaredCause, Speaks};
use crate::session::postmortem::SECTIONS;

fn notes(name: &'static str, title: &'static str, says: &'static str) -> About {
    About { name, title, says, kind: Kind::Notes }
}

fn reads(name: &'static str, title: &'static str, says: &'static str) -> About {
    About { name, title, says, kind: Kind::Reads }
}

/// In the order in which one needs them.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        free(
            reads(
                "list_mechanisms",
                "What can be wrong",
                "The closed list of mechanisms that a diagnosis names, the same for every case. Free.",
            ),
            |_, _, a: Words| Ok(Mechanisms { mechanisms: listed(&a.words) }),
        ),
        free(
            reads(
                "explain_mechanism",
                "One mechanism",
                "What a mechanism does to a system like this one, in general. Free.",
            ),
            |_, _, a: OfMechanism| Ok(shown(mechanisms::find(&a.mechanism)?)),
        ),
        says(
            notes(
                "believe",
                "Set your beliefs",
                "Set what you believe: 100 points over mechanisms. Say it early and whenever it changes. Free.",
            ),
            |a: Points| Ok(vec![Command::Believe { points: a.points }]),
        ),
        says(
            notes(
                "pin_evidence",
                "Keep an observation",
                "Keep an observation as evidence, with what it speaks for and against. Free.",
            ),
            |a: Pinned| {
                let observation = a.observation.number()?;
                let mut commands = vec![Command::Pin { observation, note: a.note }];
                let named = [(a.speaks_for, Speaks::For), (a.speaks_against, Speaks::Against)];
                for (mechanism, speaks) in
                    named.into_iter().flat_map(|(names, speaks)| names.into_iter().map(move |n| (n, speaks)))
                {
                    // Before anything is pinned, so that all of it happens or nothing.
                    mechanisms::find(&mechanism)?;
                    commands.push(Command::Link { observation, mechanism, speaks });
                }
                Ok(commands)
            },
        ),
        says(
            notes(
                "mark_contradiction",
                "Mark a contradiction",
                "Mark two pinned observations that cannot both be true of the same story. Free.",
            ),
            |a: Contradiction| {
                Ok(vec![Command::Contradict { one: a.one.number()?, other: a.other.number()?, why: a.why }])
            },
        ),
        says(
            notes(
                "plan_next_test",
                "What would change your mind",
                "Say what you would have to see to change your mind. Free.",
            ),
            |a: Text| Ok(vec![Command::NextTest { text: a.text }]),
        ),
        says(
            notes(
                "submit_diagnosis",
                "Commit to a cause",
                "Commit to what you believe caused it: points over mechanisms, the causes with their roles and links, and the observations that prove it. May be said more than once; with `last` it is the last word. Nothing is said of it. Free.",
            ),
            |a: Diagnosis| Ok(vec![Command::Commit(commit(a)?)]),
        ),
        says(
            notes(
                "end_incident",
                "Close the incident",
                "Close the incident: submit your diagnosis first. What was true is told in the debrief, by whoever runs the server. Free.",
            ),
            |_: Nothing| Ok(vec![Command::End]),
        ),
        free(
            reads(
                "get_postmortem",
                "The postmortem's form",
                "The postmortem as it stands, with what the log can fill in by itself. Free.",
            ),
            |attempt: &mut Attempt, _, _: Nothing| {
                let belongs = SECTIONS.iter().map(|(key, _, belongs)| (key.to_string(), belongs.to_string())).collect();
                Ok(Postmortem { sections: attempt.postmortem(), belongs })
            },
        ),
        says(
            notes(
                "write_postmortem",
                "Write the postmortem",
                "Hand in sections of the postmortem, after the end. Free.",
            ),
            |a: Sections| Ok(vec![Command::Postmortem { sections: a.sections }]),
        ),
    ]
}

/// Mechanisms with these words; all of them without.
pub(super) fn listed(words: &str) -> Vec<MechanismOf> {
    let found = if words.trim().is_empty() { MECHANISMS.iter().collect() } else { mechanisms::search(words) };
    found.into_iter().map(shown).collect()
}

fn shown(mechanism: &Mechanism) -> MechanismOf {
    MechanismOf {
        mechanism: mechanism.id.to_string(),
        is: mechanism.is.to_string(),
        primer: mechanism.primer.to_string(),
    }
}

fn commit(a: Diagnosis) -> Result<Commit, Wrong> {
    let named: Vec<String> = a.causes.iter().map(|cause| cause.mechanism.clone()).collect();
    let place = |argument: &str, mechanism: &str| {
        let found = named.iter().position(|name| name == mechanism).and_then(|place| u8::try_from(place).ok());
        found.ok_or_else(|| {
            let hint = nearest(mechanism, named.iter().map(String::as_str));
            let list =
                if named.is_empty() { "there are none".to_string() } else { format!("they are: {}", named.join(", ")) };
            Wrong(format!(
                "submit_diagnosis, argument \"links\", {argument}: \"{mechanism}\" is none of `causes`{hint}; {list}"
            ))
        })
    };
    let mut links = Vec::new();
    for link in &a.links {
        links.push((place("cause", &link.cause)?, place("effect", &link.effect)?));
    }
    let declared = |cause: super::arguments::Cause| DeclaredCause {
        mechanism: cause.mechanism,
        component: cause.component,
        role: cause.role.declared(),
    };
    Ok(Commit {
        points: a.points,
        causes: a.causes.into_iter().map(declared).collect(),
        links,
        cites: a.evidence.iter().map(super::arguments::Cited::number).collect::<Result<_, _>>()?,
        last: a.last,
    })
}
