//! What was believed of the truth over time, beside what an ideal observer of the same looks would have believed.

use bevy_egui::egui::{self, Align2, FontId, Painter, Rect, Stroke, Ui, pos2, vec2};

use crate::gui::desk::Told;
use crate::gui::theme::{Theme, heading};
use crate::score::observer::judge::Judgement;
use crate::session::seal::LEAD_NS;

/// What one gave the truth, over time.
pub fn belief_chart(ui: &mut Ui, theme: &Theme, told: &Told, rect: Rect) {
    let painter = ui.painter().clone();
    painter.text(rect.left_top(), Align2::LEFT_TOP, "What you gave the truth", heading(13.5), theme.text_high.c());
    let plot = Rect::from_min_max(rect.min + vec2(34.0, 54.0), rect.max - vec2(8.0, 22.0));
    for percent in [0.0, 50.0, 100.0] {
        let y = plot.bottom() - plot.height() * percent / 100.0;
        painter.hline(plot.x_range(), y, Stroke::new(1.0, theme.hairline.c()));
        painter.text(
            pos2(plot.left() - 8.0, y),
            Align2::RIGHT_CENTER,
            format!("{percent:.0}"),
            FontId::monospace(11.5),
            theme.text_low.c(),
        );
    }
    let length = told.length_s.max(60.0);
    let x = |s: f64| plot.left() + plot.width() * (s / length).clamp(0.0, 1.0) as f32;
    let step = if length < 900.0 { 120.0 } else { 300.0 };
    let mut at = 0.0;
    while at <= length {
        let text = if at == 0.0 { "page".to_string() } else { format!("{:.0} min", at / 60.0) };
        painter.text(
            pos2(x(at), plot.bottom() + 12.0),
            Align2::CENTER_CENTER,
            text,
            FontId::monospace(11.0),
            theme.text_low.c(),
        );
        at += step;
    }
    let shares = told.debrief.truth.by_mechanism();
    let on_truth = |points: &std::collections::BTreeMap<String, u8>| -> f64 {
        let named = points
            .iter()
            .filter(|(m, _)| told.debrief.cause.was.contains(m) || shares.get(*m).is_some_and(|s| 0.05 <= *s));
        named.map(|(_, p)| f64::from(*p)).sum::<f64>().min(100.0)
    };
    let y = |p: f64| plot.bottom() - plot.height() * (p / 100.0) as f32;
    if let Some(observer) = &told.debrief.observer {
        ideal(&painter, theme, observer, plot, &x, &y);
    }
    let mut line = vec![pos2(x(0.0), y(0.0))];
    let mut last = 0.0;
    for belief in &told.beliefs {
        let p = on_truth(&belief.points);
        line.push(pos2(x(belief.at_s), y(last)));
        line.push(pos2(x(belief.at_s), y(p)));
        last = p;
    }
    line.push(pos2(x(length), y(last)));
    painter.add(egui::Shape::line(line, Stroke::new(2.5, theme.flow.c())));
    for belief in told.beliefs.iter().filter(|b| b.committed) {
        let c = pos2(x(belief.at_s), y(on_truth(&belief.points)));
        painter.circle_filled(c, 7.0, theme.ground.c());
        painter.circle_stroke(c, 6.0, Stroke::new(2.0, theme.you.c()));
        painter.circle_stroke(c, 2.5, Stroke::new(2.0, theme.you.c()));
    }
    if told.beliefs.is_empty() {
        painter.text(
            plot.center(),
            Align2::CENTER_CENTER,
            "you wrote down no probabilities",
            FontId::proportional(13.5),
            theme.text_mid.c(),
        );
    }
    painter.text(
        rect.right_top(),
        Align2::RIGHT_TOP,
        "double ring: a commit",
        FontId::proportional(12.0),
        theme.text_low.c(),
    );
}

/// The ideal observer: a step for each look, and a dotted line for all that there was to see.
fn ideal(
    painter: &Painter,
    theme: &Theme,
    observer: &Judgement,
    plot: Rect,
    x: &dyn Fn(f64) -> f32,
    y: &dyn Fn(f64) -> f32,
) {
    let lead_s = LEAD_NS as f64 / 1e9;
    let quiet = Stroke::new(1.8, theme.text_mid.c());
    let mut last = observer.truth_given_first_screen * 100.0;
    let mut line = vec![pos2(plot.left(), y(last))];
    for look in &observer.looks {
        let at = x(look.at_s - lead_s);
        line.push(pos2(at, y(last)));
        last = look.truth_after * 100.0;
        line.push(pos2(at, y(last)));
    }
    line.push(pos2(plot.right(), y(last)));
    painter.add(egui::Shape::dashed_line(&line, quiet, 7.0, 5.0));
    let all = y(observer.truth_given_all * 100.0);
    let dots = [pos2(plot.left(), all), pos2(plot.right(), all)];
    painter.add(egui::Shape::dashed_line(&dots, Stroke::new(1.4, theme.text_low.c()), 1.5, 5.0));
    let says = "dashed: an ideal observer of your looks  ·  dotted: of everything";
    painter.text(
        plot.left_top() - vec2(34.0, 32.0),
        Align2::LEFT_TOP,
        says,
        FontId::proportional(12.0),
        theme.text_low.c(),
    );
}
