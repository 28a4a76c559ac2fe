//! Colours and sizes, as data from `assets/theme`. No panel names a colour: each asks for a role.

use bevy_egui::egui::{self, Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Stroke, TextStyle};
use serde::Deserialize;

/// A colour in the file, as in `#1D242D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Rgb(pub u8, pub u8, pub u8);

impl TryFrom<String> for Rgb {
    type Error = String;

    fn try_from(text: String) -> Result<Rgb, String> {
        let wrong = || format!("\"{text}\" is no colour: write it as in \"#1D242D\"");
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6).ok_or_else(wrong)?;
        let part = |at: usize| digits.get(at..at + 2).and_then(|d| u8::from_str_radix(d, 16).ok()).ok_or_else(wrong);
        Ok(Rgb(part(0)?, part(2)?, part(4)?))
    }
}

impl From<Rgb> for Color32 {
    fn from(Rgb(r, g, b): Rgb) -> Color32 {
        Color32::from_rgb(r, g, b)
    }
}

impl Rgb {
    /// As egui has it.
    pub fn c(self) -> Color32 {
        self.into()
    }

    /// As egui has it, so opaque: from 0 to 1.
    pub fn alpha(self, share: f32) -> Color32 {
        self.c().gamma_multiply(share)
    }

    /// Between this and another, 0 to 1.
    pub fn toward(self, other: Rgb, share: f32) -> Rgb {
        let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share.clamp(0.0, 1.0)).round() as u8;
        Rgb(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// Relative luminance as WCAG 2 defines it, from 0 to 1.
    pub fn luminance(self) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { libm::pow((v + 0.055) / 1.055, 2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// The contrast ratio of WCAG 2, from 1 to 21.
    pub fn contrast(self, other: Rgb) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

/// One theme: a colour for each role.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "the roles are their names; `assets/theme` says what each is for")]
pub struct Theme {
    pub name: String,
    pub dark: bool,
    pub deep: Rgb,
    pub ground: Rgb,
    pub raised: Rgb,
    pub hairline: Rgb,
    pub text_high: Rgb,
    pub text_mid: Rgb,
    pub text_low: Rgb,
    pub flow: Rgb,
    pub degraded: Rgb,
    pub failing: Rgb,
    pub retry: Rgb,
    pub change: Rgb,
    pub you: Rgb,
    pub focus: Rgb,
    pub unknown: Rgb,
    pub fill_low: Rgb,
    pub fill_mid: Rgb,
    pub fill_high: Rgb,
    pub fill_edge: Rgb,
    pub series: Vec<Rgb>,
    pub heat: Vec<Rgb>,
}

/// The themes that are built in, in the order of settings.
pub const FILES: [&str; 3] = [
    include_str!("../../assets/theme/night.ron"),
    include_str!("../../assets/theme/day.ron"),
    include_str!("../../assets/theme/high_contrast.ron"),
];

/// All themes.
///
/// # Panics
/// A file that is built in cannot be read; a test reads them all.
pub fn themes() -> Vec<Theme> {
    FILES.iter().map(|text| ron::from_str(text).expect("themes are read by a test")).collect()
}

/// Semibold sans.
pub fn strong() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// The fonts: IBM Plex Sans for words, JetBrains Mono for what machines say.
pub fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    let files: [(&str, &'static [u8]); 3] = [
        ("plex", include_bytes!("../../assets/fonts/IBMPlexSans_400Regular.ttf")),
        ("plex-semibold", include_bytes!("../../assets/fonts/IBMPlexSans_600SemiBold.ttf")),
        ("jetbrains-mono", include_bytes!("../../assets/fonts/JetBrainsMono_400Regular.ttf")),
    ];
    for (name, bytes) in files {
        fonts.font_data.insert(name.to_string(), FontData::from_static(bytes).into());
    }
    let order = |first: &str, rest: [&str; 2]| [first, rest[0], rest[1]].map(str::to_string).to_vec();
    fonts.families.insert(FontFamily::Proportional, order("plex", ["plex-semibold", "jetbrains-mono"]));
    fonts.families.insert(FontFamily::Monospace, order("jetbrains-mono", ["plex", "plex-semibold"]));
    fonts.families.insert(strong(), order("plex-semibold", ["plex", "jetbrains-mono"]));
    fonts
}

/// The font of small headings.
pub fn heading(size: f32) -> FontId {
    FontId::new(size, strong())
}

impl Theme {
    /// The colour of a chart's series.
    pub fn series(&self, place: usize) -> Color32 {
        self.series[place % self.series.len()].c()
    }

    /// The same theme, so much nearer to its ground, from 0 to 1: for what is old.
    pub fn faded(&self, share: f32) -> Theme {
        let fade = |c: Rgb| c.toward(self.ground, share);
        Theme {
            text_high: fade(self.text_high),
            text_mid: fade(self.text_mid),
            text_low: fade(self.text_low),
            flow: fade(self.flow),
            change: fade(self.change),
            you: fade(self.you),
            hairline: fade(self.hairline),
            unknown: fade(self.unknown),
            series: self.series.iter().map(|c| fade(*c)).collect(),
            ..self.clone()
        }
    }

    /// One colour on the ground of panels, so strong: without transparency, which looks different from theme to theme.
    pub fn tint(&self, colour: Rgb, share: f32) -> Color32 {
        self.ground.toward(colour, share).c()
    }

    /// The colour of so much in a map of heat, from 0 to 1.
    pub fn heat(&self, share: f32) -> Color32 {
        let at = share.clamp(0.0, 1.0) * (self.heat.len() - 1) as f32;
        let low = (at as usize).min(self.heat.len() - 2);
        self.heat[low].toward(self.heat[low + 1], at - low as f32).c()
    }

    /// The colour of a tank that is so full, from 0 to 1.
    pub fn fill(&self, share: f32) -> Rgb {
        match share {
            s if s < 0.5 => self.fill_low.toward(self.fill_mid, s * 2.0),
            s => self.fill_mid.toward(self.fill_high, (s - 0.5) * 2.0),
        }
    }

    /// Dresses egui in it.
    pub fn dress(&self, ctx: &egui::Context, animate: bool) {
        let which = if self.dark { egui::Theme::Dark } else { egui::Theme::Light };
        ctx.set_theme(which);
        let mut style = (*ctx.global_style()).clone();
        style.animation_time = if animate { 0.12 } else { 0.0 };
        style.text_styles = [
            (TextStyle::Heading, FontId::new(20.0, strong())),
            (TextStyle::Body, FontId::proportional(14.5)),
            (TextStyle::Button, FontId::proportional(14.5)),
            (TextStyle::Small, FontId::proportional(12.5)),
            (TextStyle::Monospace, FontId::monospace(13.0)),
        ]
        .into();
        style.spacing.item_spacing = egui::vec2(8.0, 6.0);
        style.spacing.button_padding = egui::vec2(10.0, 4.0);
        style.spacing.interact_size.y = 26.0;
        style.spacing.scroll = egui::style::ScrollStyle::thin();
        style.visuals = self.visuals();
        ctx.set_style_of(which, style);
    }

    fn visuals(&self) -> egui::Visuals {
        let mut v = if self.dark { egui::Visuals::dark() } else { egui::Visuals::light() };
        let round = CornerRadius::same(5);
        let line = |c: Rgb| Stroke::new(1.0, c.c());
        v.panel_fill = self.ground.c();
        v.window_fill = self.raised.c();
        v.window_stroke = line(self.hairline);
        v.window_corner_radius = CornerRadius::same(8);
        v.menu_corner_radius = CornerRadius::same(6);
        v.faint_bg_color = self.tint(self.raised, 0.6);
        v.extreme_bg_color = self.deep.c();
        v.code_bg_color = self.deep.c();
        v.hyperlink_color = self.flow.c();
        v.warn_fg_color = self.degraded.c();
        v.error_fg_color = self.failing.c();
        v.selection.bg_fill = self.tint(self.change, if self.dark { 0.42 } else { 0.22 });
        v.selection.stroke = line(self.text_high);
        v.weak_text_color = Some(self.text_low.c());
        let paint = |w: &mut egui::style::WidgetVisuals, fill: Rgb, border: Rgb, text: Rgb| {
            w.bg_fill = fill.c();
            w.weak_bg_fill = fill.c();
            w.bg_stroke = line(border);
            w.fg_stroke = line(text);
            w.corner_radius = round;
            w.expansion = 0.0;
        };
        let up = if self.dark { self.text_high } else { self.text_low };
        paint(&mut v.widgets.noninteractive, self.ground, self.hairline, self.text_mid);
        paint(&mut v.widgets.inactive, self.raised, self.hairline, self.text_high);
        paint(&mut v.widgets.hovered, self.raised.toward(up, 0.08), self.text_low, self.text_high);
        paint(&mut v.widgets.active, self.raised.toward(up, 0.16), self.focus, self.text_high);
        paint(&mut v.widgets.open, self.raised.toward(up, 0.08), self.text_low, self.text_high);
        v
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linear light of a colour.
    fn linear(Rgb(r, g, b): Rgb) -> [f64; 3] {
        [r, g, b].map(|v| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { libm::pow((v + 0.055) / 1.055, 2.4) }
        })
    }

    /// Normal sight, and full protan, deutan and tritan as Machado and others (2009) simulate them.
    const SIGHTS: [(&str, [[f64; 3]; 3]); 4] = [
        ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        ("protan", [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
        ("deutan", [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
        ("tritan", [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
    ];

    /// Oklab (Ottosson 2020), in which equal distances look about equally large.
    fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let l = libm::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
        let m = libm::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
        let s = libm::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
        [
            0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
        ]
    }

    fn seen(colour: Rgb, sight: &[[f64; 3]; 3]) -> [f64; 3] {
        let light = linear(colour);
        let row = |r: &[f64; 3]| (r[0] * light[0] + r[1] * light[1] + r[2] * light[2]).clamp(0.0, 1.0);
        oklab([row(&sight[0]), row(&sight[1]), row(&sight[2])])
    }

    #[test]
    fn text_is_read_and_marks_are_seen_on_every_ground() {
        for theme in themes() {
            let grounds = [("deep", theme.deep), ("ground", theme.ground), ("raised", theme.raised)];
            let texts = [("high", theme.text_high, 7.0), ("mid", theme.text_mid, 7.0), ("low", theme.text_low, 4.5)];
            for ((ground, on), (text, colour, least)) in grounds.into_iter().flat_map(|g| texts.map(|t| (g, t))) {
                let contrast = colour.contrast(on);
                assert!(least <= contrast, "{}: text {text} on {ground} has {contrast:.2}, not {least}", theme.name);
            }
            let marks = [theme.flow, theme.degraded, theme.failing, theme.retry, theme.change, theme.you, theme.focus];
            for mark in marks.into_iter().chain(theme.series.iter().copied()) {
                let contrast = mark.contrast(theme.ground);
                assert!(2.95 <= contrast, "{}: {mark:?} on the ground has {contrast:.2}, not 3", theme.name);
            }
        }
    }

    #[test]
    fn roles_are_told_apart_by_every_sight() {
        const LEAST: f64 = 0.09;
        for theme in themes() {
            let roles = [
                ("flow", theme.flow),
                ("degraded", theme.degraded),
                ("failing", theme.failing),
                ("retry", theme.retry),
                ("change", theme.change),
            ];
            for (sight, matrix) in SIGHTS {
                for (i, (one, a)) in roles.iter().enumerate() {
                    for (other, b) in &roles[i + 1..] {
                        let (a, b) = (seen(*a, &matrix), seen(*b, &matrix));
                        let far = libm::sqrt((0..3).map(|i| (a[i] - b[i]) * (a[i] - b[i])).sum());
                        assert!(LEAST <= far, "{}, {sight}: {one} and {other} are {far:.3} apart", theme.name);
                    }
                }
            }
        }
    }
}
