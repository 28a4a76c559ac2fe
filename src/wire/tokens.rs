//! Which token names which seat.

use sha2::{Digest, Sha256};

use crate::session::clock::Seat;
pub use crate::tools::Caller;

/// A token is no shorter.
const SHORTEST: usize = 16;

/// Who may ask: everybody, in one seat, or whoever has a token.
#[derive(Clone, Debug)]
pub struct Tokens {
    everybody: Option<Caller>,
    known: Vec<([u8; 32], Caller)>,
}

/// What is wrong with a list of tokens.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A line is not as it should be.
    #[error("line {line}: {why}; a line is `SEAT TOKEN [NAME]`, as in `participant {example} ana`", example = "0".repeat(SHORTEST))]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// There is none.
    #[error("there is no token in it")]
    Empty,
}

impl Tokens {
    /// Nobody needs a token; everybody is the same participant.
    pub fn none(by: &str) -> Tokens {
        let everybody = Some(Caller { seat: Seat::Participant, by: by.to_string() });
        Tokens { everybody, known: Vec::new() }
    }

    /// Tokens from a list: `SEAT TOKEN [NAME]` on a line, with `#` before remarks.
    ///
    /// # Errors
    /// Where and what is wrong with the list.
    pub fn parse(text: &str) -> Result<Tokens, TokenError> {
        const SEATS: [(&str, Seat); 4] = [
            ("participant", Seat::Participant),
            ("assistant", Seat::Assistant),
            ("examiner", Seat::Examiner),
            ("host", Seat::Host),
        ];
        let mut known: Vec<([u8; 32], Caller)> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let wrong = |why: String| TokenError::Line { line: number + 1, why };
            let mut words = line.split_whitespace();
            let Some(seat) = words.next() else { continue };
            let names = SEATS.map(|(name, _)| name).join(", ");
            let (name, seat) = SEATS
                .into_iter()
                .find(|(name, _)| *name == seat)
                .ok_or_else(|| wrong(format!("\"{seat}\" is no seat; there are {names}")))?;
            let token = words.next().ok_or_else(|| wrong("there is no token".to_string()))?;
            if token.len() < SHORTEST {
                return Err(wrong(format!("the token is shorter than {SHORTEST} characters")));
            }
            let sum = hashed(token);
            if known.iter().any(|(other, _)| *other == sum) {
                return Err(wrong("the token names two seats".to_string()));
            }
            known.push((sum, Caller { seat, by: words.next().unwrap_or(name).to_string() }));
        }
        if known.is_empty() { Err(TokenError::Empty) } else { Ok(Tokens { everybody: None, known }) }
    }

    /// Whether a token is needed.
    pub fn are_needed(&self) -> bool {
        self.everybody.is_none()
    }

    /// Who asks with an `Authorization`: a bearer's token, or one as the password of anybody.
    pub(super) fn caller(&self, authorization: Option<&str>) -> Option<Caller> {
        if let Some(everybody) = &self.everybody {
            return Some(everybody.clone());
        }
        let (scheme, value) = authorization?.split_once(' ')?;
        let token = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => value.trim().to_string(),
            "basic" => String::from_utf8(base64(value.trim())?).ok()?.split_once(':')?.1.to_string(),
            _ => return None,
        };
        // Hashes are compared, so that the time it takes tells nothing of a token.
        let sum = hashed(&token);
        self.known.iter().find(|(known, _)| *known == sum).map(|(_, caller)| caller.clone())
    }
}

fn hashed(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The bytes that a text in base 64 stands for.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(u32::from(c - b'A')),
        b'a'..=b'z' => Some(u32::from(c - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(c - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut bits = 0;
        for c in group {
            bits = bits << 6 | digit(*c)?;
        }
        bits <<= 6 * (4 - group.len());
        let whole = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
        bytes.extend(&whole[..(group.len() * 6 / 8).min(3)]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "# who may ask\nparticipant 0123456789abcdef ana\n\nassistant fedcba9876543210fedc  # the helper\n";

    #[test]
    fn a_token_names_a_seat() {
        let tokens = Tokens::parse(LIST).expect("a list");
        let ana = Some(Caller { seat: Seat::Participant, by: "ana".to_string() });
        assert_eq!(tokens.caller(Some("Bearer 0123456789abcdef")), ana);
        assert_eq!(tokens.caller(Some("Basic eDowMTIzNDU2Nzg5YWJjZGVm")), ana);
        let helper = tokens.caller(Some("bearer fedcba9876543210fedc")).expect("known");
        assert_eq!((helper.seat, helper.by.as_str()), (Seat::Assistant, "assistant"));
        for wrong in [None, Some(""), Some("Bearer "), Some("Bearer 0123456789abcdeF"), Some("Basic !"), Some("x y")] {
            assert_eq!(tokens.caller(wrong), None, "{wrong:?}");
        }
        assert_eq!(Tokens::none("ana").caller(None), ana);
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said() {
        for (list, says) in [
            ("pilot 0123456789abcdef", "line 1: \"pilot\" is no seat; there are participant, assistant"),
            ("\nhost", "line 2: there is no token"),
            ("host short", "shorter than 16"),
            ("host 0123456789abcdef\nexaminer 0123456789abcdef", "line 2: the token names two seats"),
            ("# nobody", "no token in it"),
        ] {
            let error = Tokens::parse(list).expect_err(list).to_string();
            assert!(error.contains(says), "{list}: {error}");
        }
    }
}
