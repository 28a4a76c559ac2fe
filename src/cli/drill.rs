//! `drill`: the case that is most worth practising now. What it is for is told after the run.

use clap::Args;
use serde_json::json;

use crate::cli::begin::{Beginning, Chosen};
use crate::cli::place::{Place, unguessable};
use crate::cli::{Failure, play, print};
use crate::console::ask;
use crate::scar::case::offers;
use crate::scar::healing::date;
use crate::scar::memory::DAY_S;
use crate::scar::occasion::Drill;
use crate::scar::select::{Choice, Situation, choose, steps};
use crate::scar::standing::standings;
use crate::scar::trial::{told, trial};
use crate::session::seal::dealt;

/// How it is begun.
#[derive(Args)]
pub struct Options {
    /// Another one, although two graded sessions a day are enough
    #[arg(long)]
    more: bool,
    /// Leave the session on disk, to be played command by command
    #[arg(long)]
    leave: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    beginning: Beginning,
    #[command(flatten)]
    place: Place,
}

/// What is most worth practising.
pub(super) struct Drilled {
    /// Its case.
    pub case: String,
    /// Minutes that it takes.
    pub minutes: u32,
    /// The seed and why.
    pub chosen: Chosen,
}

/// Chooses: `more` though enough was practised today; the seed picks among equals.
pub(super) fn choice(place: &Place, more: bool, seed: Option<u64>) -> Result<Drilled, Failure> {
    let now_s = place.now_s();
    let profile = place.profile()?;
    let (rows, settings) = (profile.rows()?, profile.settings()?);
    let rows: Vec<_> = rows.into_iter().filter(|r| r.graded.at_s <= now_s).collect();
    let standings = standings(&rows, now_s);
    let catalogue = place.catalogue()?;
    let offers = offers(&catalogue)?;
    let from = seed.unwrap_or_else(unguessable);
    let choice = choose(&Situation {
        offers: &offers,
        standings: &standings,
        steps: &steps(&rows),
        now_s,
        weights: &settings.weights,
        forecast_holds: trial(&told(&rows, &standings)).holds,
        more,
        seed: from,
    });
    let pick = match choice {
        Choice::Go(pick) => pick,
        Choice::Rest(from_s) => {
            let hours = (from_s - now_s) as f64 / DAY_S * 24.0;
            return Err(Failure::No(format!(
                "two graded sessions a day are enough: the next one in {hours:.0} hours, or now with --more"
            )));
        }
        Choice::Nothing => {
            let next =
                standings.values().filter_map(|s| s.due(0.85)).map(|(from, _)| from).filter(|at| now_s < *at).min();
            let next = next.map_or(String::new(), |at| format!("; the next is due on {}", date(at)));
            return Err(Failure::No(format!("there is nothing that may be practised now{next}")));
        }
    };
    let offer = &offers[pick.offer];
    // The seed draws the variant, as for anybody, and is one that was never played.
    let variants: Vec<_> = offers.iter().filter(|o| o.scenario == offer.scenario).collect();
    let wanted = variants.iter().position(|o| o.variant == offer.variant).unwrap_or(0);
    let drawn = |seed: u64| dealt(seed, variants.iter().map(|o| o.lots));
    let played = |seed: u64| rows.iter().any(|r| r.graded.scenario == offer.scenario && r.graded.seed == seed);
    let seed = (0..).map(|n| from.wrapping_add(n)).find(|seed| drawn(*seed) == wanted && !played(*seed));
    let drill = Drill { item: pick.item, why: pick.why, due: pick.due, other: pick.other };
    let chosen = Chosen { seed: seed.unwrap_or(from), drill };
    Ok(Drilled { case: offer.case.clone(), minutes: offer.minutes, chosen })
}

/// Chooses and begins.
pub fn drill(options: &Options) -> Result<(), Failure> {
    let place = &options.place;
    if options.beginning.variant.is_some() {
        return Err(Failure::Usage("`drill` chooses the variant: `new` takes one".to_string()));
    }
    let Drilled { case, minutes, chosen } = choice(place, options.more, options.beginning.seed)?;
    let due = chosen.drill.due;
    let live = !options.leave && !options.json && play::at_terminal();
    let open = options.beginning.begin_chosen(place, &case, live, &chosen)?;
    let name = play::name_of(&open);
    if options.json {
        let view = open.session.view();
        return print(&json!({ "session": name, "due": due, "minutes": minutes, "view": view }).to_string());
    }
    let what = if due { "something is due" } else { "nothing is due; a page to practise on" };
    eprintln!("{what}: about {minutes} minutes");
    if live {
        return play::go_on(open, &options.beginning.by, place);
    }
    eprintln!("session {name}: go on with `scartissue do {name} COMMAND`");
    print(&format!("{}\n-- {}", ask::brief(&open.session), open.session.status_line()))
}
