//! What a check of meaning reports with: paths to places, dangling references, cycles.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Diagnostic, nearest};
use super::tree::{Node, Path};

/// Collects the mistakes that a check of meaning finds in a document.
#[derive(Debug)]
pub struct Report<'a> {
    root: &'a Node,
    found: Vec<Diagnostic>,
}

/// A mistake just reported, to which more can be said.
#[derive(Debug)]
pub struct Reported<'r>(&'r mut Diagnostic);

impl<'a> Report<'a> {
    /// An empty report on a document.
    pub fn new(root: &'a Node) -> Self {
        Report { root, found: Vec::new() }
    }

    /// Reports a mistake at a path. Say `.expected(..)`, `.help(..)` or `.nearest(..)` on the result.
    pub fn at(&mut self, path: &Path, message: impl Into<String>) -> Reported<'_> {
        self.found.push(Diagnostic::new(path.place_in(self.root), message));
        Reported(self.found.last_mut().expect("just pushed"))
    }

    /// Reports that `name`, at `path`, names no `kind` (a noun such as "pool") of those that exist. True if it does.
    pub fn reference<'n>(
        &mut self,
        path: &Path,
        kind: &str,
        name: &str,
        valid: impl IntoIterator<Item = &'n str>,
    ) -> bool {
        let valid: Vec<&str> = valid.into_iter().collect();
        let known = valid.contains(&name);
        if !known {
            let none = if valid.is_empty() { format!("there is no {kind} at all") } else { String::new() };
            let mut mistake = self.at(path, format!("no {kind} is called `{name}`"));
            mistake = mistake.expected(format!("the name of a {kind}"));
            if valid.is_empty() {
                mistake.help(none)
            } else {
                mistake.nearest(name, valid)
            };
        }
        known
    }

    /// Reports every cycle among named things: each name with where it stands and the names it leads to. A cycle is
    /// reported once, at its first member in the order of names, with its members in order. Names that lead nowhere
    /// known are left to [`Report::reference`]. True if there is none.
    pub fn acyclic(&mut self, kind: &str, things: &BTreeMap<String, (Path, Vec<String>)>) -> bool {
        let found = cycles(things);
        for cycle in &found {
            let path = things[cycle[0]].0.clone();
            self.at(&path, format!("{kind} in a circle: {}", joined(cycle.iter().copied()))).help(match cycle.len() {
                1 => "take away this link".to_owned(),
                links => format!("take away one of these {links} links"),
            });
        }
        found.is_empty()
    }

    /// Reports names that occur twice: each with where it stands, in order. True if none does.
    pub fn unique<'n>(&mut self, kind: &str, names: impl IntoIterator<Item = (&'n str, Path)>) -> bool {
        let mut seen = BTreeSet::new();
        let mut all = true;
        for (name, path) in names {
            if !seen.insert(name) {
                all = false;
                self.at(&path, format!("a second {kind} is called `{name}`"))
                    .expected(format!("a {kind} of its own name"));
            }
        }
        all
    }

    /// True if nothing was reported yet.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// What was reported.
    pub fn into_found(self) -> Vec<Diagnostic> {
        self.found
    }
}

impl Reported<'_> {
    /// Says what would have been right.
    pub fn expected(self, expected: impl Into<String>) -> Self {
        self.0.expected = Some(expected.into());
        self
    }

    /// Says the way out.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Says the nearest of the valid names as the way out, or lists them.
    pub fn nearest<'n>(self, name: &str, valid: impl IntoIterator<Item = &'n str>) -> Self {
        *self.0 = self.0.clone().nearest(name, valid);
        self
    }
}

/// The nearest valid name as a sentence for an error's text, or nothing.
pub fn did_you_mean<'n>(name: &str, valid: impl IntoIterator<Item = &'n str>) -> String {
    nearest(name, valid).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// So many members of a cycle are named.
const MOST_MEMBERS: usize = 20;

/// The members of a cycle in words, back to the first.
pub(super) fn joined<'n>(members: impl Iterator<Item = &'n str>) -> String {
    let mut round: Vec<String> = members.map(|name| format!("`{name}`")).collect();
    if round.len() > MOST_MEMBERS {
        let left_out = format!("{} more", round.len() - MOST_MEMBERS);
        round.splice(MOST_MEMBERS.., [left_out]);
    }
    round.extend(round.first().cloned());
    round.join(" leads to ")
}

/// One cycle for every set of things that lead to each other, found by walking from each name in order.
fn cycles(things: &BTreeMap<String, (Path, Vec<String>)>) -> Vec<Vec<&str>> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    let mut on_trail: BTreeSet<&str> = BTreeSet::new();
    for start in things.keys() {
        // Walk with a stack of our own: a chain of names may be as long as the file.
        let mut trail: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((name, next)) = trail.last_mut() {
            let name = *name;
            let links = if done.contains(name) { None } else { things.get(name).map(|(_, links)| links) };
            match links.and_then(|links| links.get(*next)) {
                Some(link) => {
                    *next += 1;
                    if on_trail.contains(link.as_str()) || name == link {
                        let members = trail.iter().map(|(member, _)| *member).skip_while(|member| member != link);
                        found.push(in_order(members.collect()));
                    } else {
                        on_trail.insert(name);
                        trail.push((link, 0));
                    }
                }
                None => {
                    done.insert(name);
                    trail.pop();
                    on_trail.remove(name);
                }
            }
        }
    }
    found
}

/// The same cycle, beginning with its first member in the order of names.
fn in_order(mut cycle: Vec<&str>) -> Vec<&str> {
    let first = cycle.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(at, _)| at);
    cycle.rotate_left(first);
    cycle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn things(links: &[(&str, &[&str])]) -> BTreeMap<String, (Path, Vec<String>)> {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        links.iter().map(|(name, to)| ((*name).to_owned(), (Path::root(), owned(to)))).collect()
    }

    #[test]
    fn every_cycle_is_found_once_from_its_first_name() {
        let two = things(&[("c", &["a"]), ("a", &["b"]), ("b", &["c", "d"]), ("d", &["d"]), ("e", &["a", "gone"])]);
        assert_eq!(cycles(&two), [vec!["a", "b", "c"], vec!["d"]]);
        let none = things(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])]);
        assert!(cycles(&none).is_empty());
    }

    #[test]
    fn a_chain_as_long_as_a_file_is_walked() {
        let mut long = BTreeMap::new();
        for i in 0..100_000 {
            long.insert(format!("{i:06}"), (Path::root(), vec![format!("{:06}", (i + 1) % 100_000)]));
        }
        let found = cycles(&long);
        assert_eq!((found.len(), found[0].len()), (1, 100_000));
        assert!(joined(found[0].iter().copied()).ends_with("leads to 99980 more leads to `000000`"));
    }
}
