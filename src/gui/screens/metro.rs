//! The career map: a line for each layer, a station for each mechanism, an interchange for each pair that was met. Before a
//! run it must not name the answer, so stations fill in only by debriefs.

use bevy_egui::egui::{self, Align2, Color32, FontId, Pos2, Rect, RichText, Sense, Stroke, Ui, UiBuilder, pos2, vec2};

use crate::gui::career::{LINES, Seam, Station, name};
use crate::gui::kit::{chip, frame, head, high, low, mid};
use crate::gui::state::State;
use crate::gui::theme::{Theme, heading};
use crate::scar::item::{mechanisms, sides};
use crate::scenario::mechanisms::{MECHANISMS, Mechanism};

/// Width of a line.
const WIDE: f32 = 7.0;
/// Radius of a station.
const STOP: f32 = 8.0;
/// Height of the card below the map.
const CARD: f32 = 128.0;

/// The stations of a line.
pub fn stations(line: usize) -> Vec<&'static Mechanism> {
    let family = LINES.get(line).map_or("", |(family, _)| family);
    MECHANISMS.iter().filter(|m| m.family() == family).collect()
}

/// Draws the map and the card of the station that is chosen.
pub fn metro_ui(ui: &mut Ui, theme: &Theme, state: &mut State, rect: Rect) {
    frame(ui, rect, theme, false, true);
    let inner = rect.shrink2(vec2(28.0, 20.0));
    let with_card = 560.0 < inner.height();
    let card = Rect::from_min_max(pos2(inner.left(), inner.bottom() - CARD), inner.max);
    let map = if with_card { inner.with_max_y(card.top() - 14.0) } else { inner };
    let painter = ui.painter();
    painter.text(map.left_top(), Align2::LEFT_TOP, "What you can tell", heading(18.0), theme.text_high.c());
    let says = "A station is a mechanism, a link a pair of look-alikes. They appear when a debrief has told of them.";
    let below = map.left_top() + vec2(0.0, 27.0);
    painter.text(below, Align2::LEFT_TOP, says, FontId::proportional(13.0), theme.text_mid.c());
    legend(ui, theme, map);
    let stops = lay_out(map);
    links(ui, theme, state, &stops);
    lines(ui, theme, &stops, map);
    for (line, column) in stops.iter().enumerate() {
        for (place, (mechanism, at)) in column.iter().enumerate() {
            stop(ui, theme, state, (line, place), mechanism, *at, &stops);
        }
    }
    if with_card {
        ui.scope_builder(UiBuilder::new().max_rect(card).id_salt("station card"), |ui| card_ui(ui, theme, state, card));
    }
}

type Stops = Vec<Vec<(&'static Mechanism, Pos2)>>;

/// Where each station is: lines bend once, each a little further on, so that names have room.
fn lay_out(map: Rect) -> Stops {
    let top = map.top() + 92.0;
    let gap = ((map.bottom() - 34.0 - top) / (LINES.len() as f32 - 1.0)).min(104.0);
    let names = 128.0;
    let most = (0..LINES.len()).map(|line| stations(line).len()).max().unwrap_or(1).max(2);
    let step = (map.width() - names - 40.0) / (most as f32 - 0.5);
    let at = |line: usize, place: usize| {
        let x = map.left() + names + step * (place as f32 + if line.is_multiple_of(2) { 0.0 } else { 0.36 });
        pos2(x, top + gap * line as f32)
    };
    (0..LINES.len())
        .map(|line| stations(line).into_iter().enumerate().map(|(place, m)| (m, at(line, place))).collect())
        .collect()
}

fn lines(ui: &Ui, theme: &Theme, stops: &Stops, map: Rect) {
    for (line, column) in stops.iter().enumerate() {
        let (Some((_, first)), Some((_, last))) = (column.first(), column.last()) else { continue };
        let colour = theme.series(line).gamma_multiply(0.8);
        let font = heading(13.0);
        let galley = ui.painter().layout_no_wrap(LINES[line].1.to_string(), font, ink_on(colour, theme));
        let plate =
            Rect::from_min_size(pos2(map.left(), first.y - 12.0), vec2((galley.size().x + 20.0).max(84.0), 24.0));
        ui.painter().line_segment([plate.right_center(), *first], Stroke::new(WIDE, colour));
        ui.painter().line_segment([*first, *last], Stroke::new(WIDE, colour));
        ui.painter().rect_filled(plate, 12, colour);
        ui.painter().galley(plate.center() - galley.size() / 2.0, galley, ink_on(colour, theme));
    }
}

/// Black or white, whichever is read better on a colour.
fn ink_on(colour: Color32, theme: &Theme) -> Color32 {
    let ground = crate::gui::theme::Rgb(colour.r(), colour.g(), colour.b());
    let (dark, light) = if theme.dark { (theme.deep, theme.text_high) } else { (theme.text_high, theme.raised) };
    if light.contrast(ground) < dark.contrast(ground) { dark.c() } else { light.c() }
}

/// Interchanges: pairs that were met, from line to line, beside the stations that lie between.
fn links(ui: &Ui, theme: &Theme, state: &State, stops: &Stops) {
    let find = |id: &str| stops.iter().flatten().find(|(m, _)| m.id == id).map(|(_, at)| *at);
    for seam in &state.career.seams {
        let Some((Some(a), Some(b))) = sides(&seam.standing.item).map(|(a, b)| (find(a), find(b))) else { continue };
        let (a, b) = if a.y <= b.y { (a, b) } else { (b, a) };
        let left = a.x.min(b.x) - 22.0;
        let path = vec![a, pos2(left, a.y + 22.0), pos2(left, b.y - 22.0), b];
        ui.painter().add(egui::Shape::line(path.clone(), Stroke::new(5.0, theme.text_low.c())));
        ui.painter().add(egui::Shape::line(path, Stroke::new(2.5, theme.ground.c())));
    }
}

fn stop(
    ui: &mut Ui,
    theme: &Theme,
    state: &mut State,
    place: (usize, usize),
    mechanism: &'static Mechanism,
    at: Pos2,
    stops: &Stops,
) {
    let painter = ui.painter();
    let station = state.career.stations.get(mechanism.id).copied();
    let chosen = state.station == Some(place);
    painter.circle_filled(at, STOP + 2.0, theme.ground.c());
    station_mark(ui, theme, station, at);
    if chosen {
        ui.painter().circle_stroke(at, STOP + 5.0, Stroke::new(2.0, theme.you.c()));
    }
    let gap = stops.get(1).and_then(|l| l.first()).map_or(60.0, |(_, p)| p.y - stops[0][0].1.y);
    if 40.0 < gap {
        let next = stops[place.0].get(place.1 + 1).map_or(170.0, |(_, p)| p.x - at.x);
        let ink = if station.is_some() || chosen { theme.text_high } else { theme.text_low };
        let mut job = egui::text::LayoutJob::simple_singleline(name(mechanism.id), FontId::proportional(13.0), ink.c());
        job.wrap = egui::text::TextWrapping::truncate_at_width((next - 10.0).max(40.0));
        let galley = ui.painter().layout_job(job);
        let words = at + vec2(-galley.size().x / 2.0, 14.0);
        ui.painter().rect_filled(Rect::from_min_size(words, galley.size()).expand(2.0), 2, theme.ground.c());
        ui.painter().galley(words, galley, ink.c());
    }
    let near = Rect::from_center_size(at, vec2(30.0, 30.0));
    let response = ui.interact(near, egui::Id::new(("station", mechanism.id)), Sense::click());
    let says = format!("{}, {}", mechanism.id, word(station));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &says));
    if response.clicked() {
        state.station = Some(place);
    }
    response.on_hover_text(format!("{}\n{}", mechanism.id, mechanism.is));
}

/// What a station's mark says.
fn word(station: Option<Station>) -> &'static str {
    match station {
        None => "not met yet",
        Some(Station::Half) => "met, not yet told rightly alone",
        Some(Station::Solid) => "told rightly, alone",
        Some(Station::Cracked) => "told rightly once, and fading",
    }
}

/// Shape says it, not colour: hollow, half, solid, cracked.
fn station_mark(ui: &Ui, theme: &Theme, station: Option<Station>, at: Pos2) {
    let painter = ui.painter();
    let (high, quiet) = (theme.text_high.c(), theme.text_low.c());
    match station {
        None => drop(painter.circle_stroke(at, STOP - 1.0, Stroke::new(2.0, quiet))),
        Some(Station::Half) => {
            painter.circle_stroke(at, STOP - 1.0, Stroke::new(2.0, high));
            let half = Rect::from_min_max(at - vec2(STOP, STOP), at + vec2(0.0, STOP));
            painter.with_clip_rect(half).circle_filled(at, STOP - 1.0, high);
        }
        Some(Station::Solid) => drop(painter.circle_filled(at, STOP, high)),
        Some(Station::Cracked) => {
            painter.circle_filled(at, STOP, high);
            let crack = [vec2(1.5, -STOP - 1.0), vec2(-2.0, -2.0), vec2(2.0, 1.5), vec2(-1.5, STOP + 1.0)];
            let crack: Vec<Pos2> = crack.into_iter().map(|v| at + v).collect();
            painter.add(egui::Shape::line(crack, Stroke::new(2.2, theme.ground.c())));
        }
    }
}

fn legend(ui: &Ui, theme: &Theme, map: Rect) {
    if map.width() < 760.0 {
        return;
    }
    let mut x = map.right();
    for (station, text) in [
        (Some(Station::Cracked), "fading"),
        (Some(Station::Solid), "told rightly, alone"),
        (Some(Station::Half), "met"),
        (None, "not met"),
    ] {
        let at = ui.painter().text(
            pos2(x, map.top() + 12.0),
            Align2::RIGHT_CENTER,
            text,
            FontId::proportional(12.5),
            theme.text_mid.c(),
        );
        station_mark(ui, theme, station, pos2(at.left() - 15.0, map.top() + 12.0));
        x = at.left() - 42.0;
    }
}

fn card_ui(ui: &mut Ui, theme: &Theme, state: &mut State, card: Rect) {
    ui.painter().hline(card.x_range(), card.top(), Stroke::new(1.0, theme.hairline.c()));
    ui.add_space(12.0);
    let Some(mechanism) = state.station.and_then(|(line, place)| stations(line).get(place).copied()) else {
        ui.label(low(
            theme,
            "Arrows or the pointer choose a station. Nothing is locked, and nothing here tells what a case holds.",
        ));
        return;
    };
    let station = state.career.stations.get(mechanism.id).copied();
    ui.horizontal(|ui| {
        ui.label(RichText::new(mechanism.id).monospace().color(theme.text_high.c()).size(15.0));
        ui.label(low(theme, word(station)));
    });
    ui.label(mid(theme, mechanism.is));
    let of = |s: &&Seam| mechanisms(&s.standing.item).contains(&mechanism.id);
    let seams: Vec<Seam> = state.career.seams.iter().filter(of).cloned().collect();
    if seams.is_empty() {
        ui.label(low(theme, mechanism.primer));
        return;
    }
    ui.horizontal_wrapped(|ui| {
        for seam in seams.iter().take(4) {
            if chip(ui, theme, &name(&seam.standing.item), theme.text_high.c()).on_hover_text(&seam.is).clicked() {
                let place = state.career.seams.iter().position(|s| s.standing.item == seam.standing.item);
                state.seam = place.unwrap_or_default();
                state.go = Some(crate::gui::state::Screen::Scars);
            }
            ui.label(low(theme, seam.look.word()));
        }
    });
    if let Some(rule) = seams.iter().find_map(|s| s.standing.rule()) {
        ui.horizontal(|ui| {
            ui.label(head(theme, "Your rule"));
            ui.label(high(theme, format!("\"{rule}\"")));
        });
    }
}

/// Walks the lines: along one, or to the next.
pub fn walk(state: &mut State, along: i32, across: i32) {
    let (line, place) = state.station.unwrap_or((0, 0));
    if state.station.is_none() {
        state.station = Some((0, 0));
        return;
    }
    let line = (line as i32 + across).clamp(0, LINES.len() as i32 - 1) as usize;
    let most = stations(line).len().saturating_sub(1) as i32;
    state.station = Some((line, (place as i32 + along).clamp(0, most) as usize));
}
