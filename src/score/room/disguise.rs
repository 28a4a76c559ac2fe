//! Teams by names that say nothing of who they are.

use std::collections::BTreeSet;

use crate::score::room::Played;
use crate::session::clock::Seat;

/// Names under which nobody is put to shame, in no order of merit.
const BIRDS: [&str; 16] = [
    "Avocet", "Bittern", "Curlew", "Dunlin", "Egret", "Fulmar", "Godwit", "Heron", "Ibis", "Jackdaw", "Kestrel",
    "Lapwing", "Merlin", "Nuthatch", "Osprey", "Plover",
];

/// What hides who is who: which name stands for which session, and words that are taken out of what was written.
pub struct Disguise {
    /// What each session is called, in the order in which they were given.
    pub names: Vec<String>,
    words: Vec<(String, String)>,
}

impl Disguise {
    /// The disguise of a room; with `named` it hides nothing.
    pub fn of(played: &[Played], named: bool) -> Disguise {
        if named {
            return Disguise { names: played.iter().map(|p| p.name.clone()).collect(), words: Vec::new() };
        }
        // In the order of what happened in them, which says nothing of the order in which they were given.
        let mut order: Vec<usize> = (0..played.len()).collect();
        order.sort_by_key(|i| (crate::session::log::hash_of(&format!("{:?}", played[*i].events)), *i));
        let mut names = vec![String::new(); played.len()];
        for (rank, place) in order.iter().enumerate() {
            let again = if rank < BIRDS.len() { String::new() } else { format!(" {}", rank / BIRDS.len() + 1) };
            names[*place] = format!("{}{again}", BIRDS[rank % BIRDS.len()]);
        }
        let mut words: Vec<(String, String)> = Vec::new();
        for (team, alias) in played.iter().zip(&names) {
            words.push((team.name.clone(), alias.clone()));
            let said_by = team.events.iter().filter(|e| e.seat == Seat::Participant).map(|e| e.by.clone());
            let people = said_by.chain(team.session.names().map(str::to_string)).chain([team.by.clone()]);
            let people: BTreeSet<String> = people.filter(|name| 1 < name.len() && name != "you").collect();
            words.extend(people.into_iter().map(|name| (name, "somebody".to_string())));
        }
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Disguise { names, words }
    }

    /// A text without anybody's name in it.
    pub fn over(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        while let Some(first) = rest.chars().next() {
            let fits = |(word, _): &&(String, String)| {
                let head = rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
                head && edge(rest[word.len()..].chars().next())
            };
            match self.words.iter().find(fits).filter(|_| edge(out.chars().next_back())) {
                Some((word, instead)) => {
                    out.push_str(instead);
                    rest = &rest[word.len()..];
                }
                None => {
                    out.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        out
    }
}
