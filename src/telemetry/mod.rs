//! What can be seen of a world: request rows, logs, spans, metrics, alerts, changes, tickets, documents, the fleet's
//! state. Derived from what the world's components wrote down and exposed; never from the truth.
//!
//! Everything is told in the words of the [`scene`]: dates, pod names and opaque ids, salted by session.
//!
//! A world that is watched ([`watch`]) writes down attempts, calls and engine states and scrapes everything; its event
//! hash stays the same. Rows, log lines and spans are derived from these and from facts, never from faults, and are the
//! same in whatever chunks time is advanced. Log lines and spans are brought up to date when somebody looks, so that a
//! replay that only wants to come to its end does not pay for them.
//!
//! What nobody may learn from it the tests `leaks` hold it to: no author's word stands in anything that can be looked
//! at, and every look is byte-equal over the variants of a seed until the first onset.

pub mod calendar; // simulated moments as dates
pub mod scene; // who and what the things seen are called

pub mod alerts; // rules over what was scraped, and when they fired
pub mod archive; // documents
mod background; // what goes on anyway
mod benign; // changes of an ordinary day
pub mod changes; // what was changed, when and by whom
pub mod fleet; // what control planes say of the fleet, in kubectl's shape
pub mod inputs; // what was set, owned, wanted and signed up for, over two weeks
pub mod logs; // what processes say
pub mod panels; // boards of a layer, as data and as charts
pub mod past; // the same hours of days before
pub mod spans; // what a request waited for
pub mod tickets; // what people say

pub mod colleagues; // who can be asked
pub mod compare; // rows inside a selection against the rest
pub mod log_search; // lines by words and facets
pub mod real_names; // what a real stack exposes, and what of it is here
pub mod rows; // the wide tables of requests and accounts, column by column
pub mod sql; // statements over all of it

pub mod exemplars; // requests whose traces were kept, as examples of what histograms count
pub mod journeys; // where traced requests have been
pub mod stack_map; // the six layers at a glance

pub mod watch; // all of it, of one world
