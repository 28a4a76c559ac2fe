//! A skin: other words for the services, teams, pools and channels of the company, wherever a participant reads or types
//! them. What is simulated, logged and scored keeps its own words, so that a skin changes how things are called and nothing else.

use std::collections::BTreeMap;

use serde_json::Value;

/// Other words for words of the company. The default changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Skin {
    /// Ours to theirs, longest first.
    to: Vec<(String, String)>,
    /// Theirs to ours, longest first.
    from: Vec<(String, String)>,
}

impl Skin {
    /// From a RON map, as in `{"gateway": "front-door", "kv-cache": "memo"}`.
    ///
    /// # Errors
    /// It is no such map, a word is empty or not of letters, digits, `-`, `_` and `.`, or two words become the same.
    pub fn read(text: &str) -> Result<Skin, String> {
        let map: BTreeMap<String, String> =
            ron::from_str(text).map_err(|e| format!("{e}; a skin is a map as in {{\"gateway\": \"front-door\"}}"))?;
        let word = |w: &str| !w.is_empty() && w.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
        let mut theirs: BTreeMap<&str, &str> = BTreeMap::new();
        for (ours, new) in &map {
            if let Some(bad) = [ours, new].into_iter().find(|w| !word(w)) {
                return Err(format!("\"{bad}\" is no word: letters, digits, hyphens, underscores and points"));
            }
            if let Some(other) = theirs.insert(new, ours) {
                return Err(format!("\"{other}\" and \"{ours}\" would both be called \"{new}\""));
            }
        }
        let longest_first = |mut pairs: Vec<(String, String)>| {
            pairs.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
            pairs
        };
        // As it stands at the beginning of a sentence, and several of it: where the map says nothing else of those.
        let capital = |w: &str| w[..1].to_uppercase() + &w[1..];
        let several = |w: &str| format!("{w}s");
        let forms: [&dyn Fn(&str) -> String; 3] = [&capital, &several, &|w| several(&capital(w))];
        let mut map = map.clone();
        for (ours, new) in map.clone().iter().filter(|(o, n)| o.is_char_boundary(1) && n.is_char_boundary(1)) {
            for form in forms {
                let (ours, new) = (form(ours), form(new));
                if !map.contains_key(&ours) && map.values().all(|known| *known != new) {
                    map.insert(ours, new);
                }
            }
        }
        let back = map.iter().map(|(ours, new)| (new.clone(), ours.clone())).collect();
        Ok(Skin { to: longest_first(map.into_iter().collect()), from: longest_first(back) })
    }

    /// What is shown.
    pub fn shown(&self, text: &str) -> String {
        replaced(text, &self.to)
    }

    /// What is shown of a page: what stands between its marks, never marks, styles or scripts.
    pub fn shown_page(&self, html: &str) -> String {
        let mut out = String::with_capacity(html.len());
        let mut rest = html;
        while let Some(mark) = rest.find('<') {
            out.push_str(&self.shown(&rest[..mark]));
            let of = |name: &str| rest[mark + 1..].starts_with(name).then(|| format!("</{name}"));
            let close = of("script").or_else(|| of("style")).map_or(">".to_string(), |end| end);
            let end = rest[mark..].find(&close).map_or(rest.len(), |at| mark + at + close.len());
            out.push_str(&rest[mark..end]);
            rest = &rest[end..];
        }
        out.push_str(&self.shown(rest));
        out
    }

    /// What is shown of data: its texts, never its keys.
    pub fn shown_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.shown(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.shown_value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.shown_value(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// What was meant.
    pub fn meant(&self, text: &str) -> String {
        replaced(text, &self.from)
    }
}

/// A text with whole words replaced; a word ends where no letter and no digit follows, so that `gateway-3` is one of
/// `gateway`.
fn replaced(text: &str, pairs: &[(String, String)]) -> String {
    if pairs.is_empty() {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None::<char>;
    while let Some(next) = rest.chars().next() {
        let starts = before.is_none_or(|c| !c.is_alphanumeric());
        let fits = |(word, _): &&(String, String)| {
            rest.strip_prefix(word.as_str())
                .is_some_and(|after| after.chars().next().is_none_or(|c| !c.is_alphanumeric()))
        };
        if let Some((word, new)) = Some(pairs).filter(|_| starts).and_then(|pairs| pairs.iter().find(fits)) {
            out.push_str(new);
            before = word.chars().next_back();
            rest = &rest[word.len()..];
        } else {
            out.push(next);
            before = Some(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Skin;

    #[test]
    fn of_a_page_only_what_is_read_is_called_otherwise() {
        let skin = Skin::read(r#"{"serving": "kitchen"}"#).expect("a map");
        let page = "<style>.serving{}</style><p class=\"serving\">serving &lt; 2</p><script>let serving = 1 > 0;</script> serving";
        let shown = page.replacen(">serving &", ">kitchen &", 1).replace("> serving", "> kitchen");
        assert_eq!(skin.shown_page(page), shown);
    }

    #[test]
    fn whole_words_are_called_otherwise_and_back_again() {
        let skin =
            Skin::read(r#"{"gateway": "front-door", "kv-cache": "memo", "serving": "llm.run"}"#).expect("a skin");
        let ours = "gateway-3 and gateways: kv-cache/ring, serving. Gateways like a Gateway";
        let shown = skin.shown(ours);
        assert_eq!(shown, "front-door-3 and front-doors: memo/ring, llm.run. Front-doors like a Front-door");
        assert_eq!(skin.meant(&shown), ours);
        assert_eq!(Skin::default().shown(ours), ours);
        assert!(Skin::read(r#"{"a": "x", "b": "x"}"#).expect_err("no way back").contains("both"));
        assert!(Skin::read(r#"{"a": "x y"}"#).is_err() && Skin::read("nonsense").is_err());
    }
}
