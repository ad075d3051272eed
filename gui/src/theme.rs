//! Design tokens: the only place where a colour, a size or a font is named by value. Light and dark from one table.

pub mod fonts;
pub mod icons;

use eframe::egui;
use eframe::egui::Color32;
use eframe::egui::CornerRadius;
use eframe::egui::FontFamily;
use eframe::egui::FontId;
use eframe::egui::Stroke;
use eframe::egui::TextStyle;

/// Distances in points.
pub mod space {
    /// Between a line and its second line.
    pub const XS: f32 = 4.0;
    /// Between neighbours.
    pub const S: f32 = 8.0;
    /// Inside a field.
    pub const M: f32 = 12.0;
    /// Beside the timeline.
    pub const L: f32 = 16.0;
    /// Between groups.
    pub const XL: f32 = 24.0;
}

/// Sizes in points.
pub mod size {
    /// The chat list.
    pub const SIDEBAR: f32 = 300.0;
    /// Below this width there is one pane.
    pub const NARROW: f32 = 620.0;
    /// The panel of a group.
    pub const PANEL: f32 = 330.0;
    /// A chat beside that panel has at least this width; where there is less, the panel takes its place.
    pub const LEAST_CHAT: f32 = 420.0;
    /// The bar above a chat.
    pub const TOP_BAR: f32 = 60.0;
    /// A row of the chat list.
    pub const CHAT_ROW: f32 = 68.0;
    /// An avatar in the list.
    pub const AVATAR: f32 = 44.0;
    /// An avatar beside a bubble.
    pub const AVATAR_SMALL: f32 = 30.0;
    /// The widest bubble.
    pub const BUBBLE: f32 = 560.0;
    /// The widest column of messages.
    pub const COLUMN: f32 = 900.0;
    /// An icon.
    pub const ICON: f32 = 20.0;
    /// Where an icon can be hit.
    pub const HIT: f32 = 36.0;
    /// A round button of a call.
    pub const ROUND: f32 = 52.0;
    /// The icon on it.
    pub const ROUND_ICON: f32 = 23.0;
    /// The picture of a person in a call.
    pub const AVATAR_CALL: f32 = 128.0;
    /// The own picture in a call, at most.
    pub const OWN_PICTURE: f32 = 220.0;
    /// A dialog.
    pub const DIALOG: f32 = 420.0;
    /// The settings: the names of their pages stand beside what is open.
    pub const SETTINGS: f32 = 750.0;
    /// The names of the pages of the settings.
    pub const SETTINGS_PAGES: f32 = 200.0;
    /// Where there is less than this for the settings, the names of the pages stand above.
    pub const SETTINGS_NARROW: f32 = 560.0;
    /// A page in place of a chat.
    pub const PAGE: f32 = 720.0;
    /// The settings, at most.
    pub const SETTINGS_HEIGHT: f32 = 520.0;
    /// Corners of fields and rows.
    pub const RADIUS: u8 = 10;
    /// Corners of bubbles.
    pub const RADIUS_BUBBLE: u8 = 16;
    /// Corners where bubbles of one person meet.
    pub const RADIUS_JOIN: u8 = 5;
}

/// Which theme a person wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The colours of one theme.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    /// Whether this is the dark one.
    pub dark: bool,
    /// Behind the timeline.
    pub app: Color32,
    /// Behind the list.
    pub side: Color32,
    /// Dialogs.
    pub raised: Color32,
    /// Under the pointer.
    pub hover: Color32,
    /// The selected row.
    pub selected: Color32,
    /// Fields.
    pub input: Color32,
    /// Lines.
    pub border: Color32,
    /// Text.
    pub text: Color32,
    /// Second text.
    pub muted: Color32,
    /// Third text.
    pub faint: Color32,
    /// Links and marks.
    pub accent: Color32,
    /// Filled marks: badges and buttons.
    pub fill: Color32,
    /// On filled marks and own bubbles.
    pub on_fill: Color32,
    /// Second text on own bubbles.
    pub on_fill_muted: Color32,
    /// The tick of a read message.
    pub read: Color32,
    /// Bubbles of others.
    pub bubble_in: Color32,
    /// Own bubbles.
    pub bubble_out: Color32,
    /// Good.
    pub good: Color32,
    /// To notice.
    pub warning: Color32,
    /// Bad.
    pub danger: Color32,
    identities: [Color32; 8],
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

impl Tokens {
    /// The dark theme.
    pub const fn dark() -> Self {
        Self {
            dark: true,
            app: rgb(0x0f1218),
            side: rgb(0x151a22),
            raised: rgb(0x1c222d),
            hover: rgb(0x1f2632),
            selected: rgb(0x28324a),
            input: rgb(0x1c222d),
            border: rgb(0x2a3342),
            text: rgb(0xe8ebf1),
            muted: rgb(0x9aa4b5),
            faint: rgb(0x8590a3),
            accent: rgb(0x8a95ff),
            fill: rgb(0x5663e8),
            on_fill: rgb(0xffffff),
            on_fill_muted: rgb(0xe4e7ff),
            read: rgb(0xa8f5da),
            bubble_in: rgb(0x1e2530),
            bubble_out: rgb(0x4a57d6),
            good: rgb(0x35c383),
            warning: rgb(0xf2b04a),
            danger: rgb(0xf2646a),
            identities: [
                rgb(0xe57373),
                rgb(0xf0a35e),
                rgb(0xd4b94a),
                rgb(0x6cc283),
                rgb(0x4fc1b8),
                rgb(0x64a9f0),
                rgb(0x9a8cf5),
                rgb(0xe07ab8),
            ],
        }
    }

    /// The light theme.
    pub const fn light() -> Self {
        Self {
            dark: false,
            app: rgb(0xf4f5f9),
            side: rgb(0xffffff),
            raised: rgb(0xffffff),
            hover: rgb(0xf0f2f7),
            selected: rgb(0xe4e8ff),
            input: rgb(0xeff1f6),
            border: rgb(0xdde1eb),
            text: rgb(0x171b24),
            muted: rgb(0x5c6577),
            faint: rgb(0x646d81),
            accent: rgb(0x4a57e0),
            fill: rgb(0x4a57e0),
            on_fill: rgb(0xffffff),
            on_fill_muted: rgb(0xf0f1ff),
            read: rgb(0xb9ffe4),
            bubble_in: rgb(0xffffff),
            bubble_out: rgb(0x4f5be2),
            good: rgb(0x14804f),
            warning: rgb(0x96590a),
            danger: rgb(0xc8323a),
            identities: [
                rgb(0xc03f3f),
                rgb(0xa85510),
                rgb(0x7d6605),
                rgb(0x267a41),
                rgb(0x0e746b),
                rgb(0x2167b3),
                rgb(0x6552d6),
                rgb(0xb0357f),
            ],
        }
    }

    /// The colour of a person, always the same.
    pub fn identity(&self, seed: u8) -> Color32 {
        self.identities.get(usize::from(seed % 8)).copied().unwrap_or(self.accent)
    }

    /// Gives a theme's look to everything that egui draws itself.
    pub fn apply(&self, ctx: &egui::Context) {
        let theme = if self.dark { egui::Theme::Dark } else { egui::Theme::Light };
        let tokens = self.clone();
        ctx.style_mut_of(theme, move |style| tokens.style(style));
    }

    fn style(&self, style: &mut egui::Style) {
        let visuals = &mut style.visuals;
        visuals.panel_fill = self.app;
        visuals.window_fill = self.raised;
        visuals.extreme_bg_color = self.input;
        visuals.faint_bg_color = self.hover;
        visuals.hyperlink_color = self.accent;
        visuals.weak_text_color = Some(self.muted);
        visuals.selection.bg_fill = self.accent.gamma_multiply(0.4);
        visuals.selection.stroke = Stroke::new(1.0, self.text);
        visuals.window_corner_radius = CornerRadius::same(size::RADIUS_BUBBLE);
        visuals.menu_corner_radius = CornerRadius::same(size::RADIUS);
        visuals.window_stroke = Stroke::new(1.0, self.border);
        let widgets = &mut visuals.widgets;
        for widget in [
            &mut widgets.noninteractive,
            &mut widgets.inactive,
            &mut widgets.hovered,
            &mut widgets.active,
            &mut widgets.open,
        ] {
            widget.corner_radius = CornerRadius::same(size::RADIUS);
            widget.fg_stroke.color = self.text;
            widget.bg_stroke = Stroke::new(1.0, self.border);
        }
        widgets.inactive.bg_fill = self.border;
        widgets.inactive.weak_bg_fill = self.input;
        widgets.hovered.weak_bg_fill = self.hover;
        widgets.active.weak_bg_fill = self.selected;
        style.spacing.item_spacing = egui::vec2(space::S, space::S);
        style.spacing.button_padding = egui::vec2(14.0, 7.0);
        style.spacing.scroll =
            egui::style::ScrollStyle { foreground_color: false, ..egui::style::ScrollStyle::thin() };
        style.text_styles = [
            (TextStyle::Heading, semibold(20.0)),
            (TextStyle::Body, regular(14.0)),
            (TextStyle::Button, medium(14.0)),
            (TextStyle::Small, regular(12.0)),
            (TextStyle::Monospace, FontId::monospace(13.0)),
        ]
        .into();
    }
}

/// Inter Regular.
pub fn regular(size: f32) -> FontId {
    FontId::proportional(size)
}

/// Inter Medium.
pub fn medium(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("medium".into()))
}

/// Inter SemiBold.
pub fn semibold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("semibold".into()))
}

/// The icons.
pub fn icon(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("icons".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2).
    fn luminance(color: Color32) -> f64 {
        let part = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(color.r()) + 0.7152 * part(color.g()) + 0.0722 * part(color.b())
    }

    fn contrast(one: Color32, other: Color32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_text_can_be_read_on_what_it_stands_on() {
        for tokens in [Tokens::dark(), Tokens::light()] {
            let pairs = [
                ("text", tokens.text, tokens.app),
                ("muted on side", tokens.muted, tokens.side),
                ("muted on selected", tokens.muted, tokens.selected),
                ("faint on bubble", tokens.faint, tokens.bubble_in),
                ("faint on app", tokens.faint, tokens.app),
                ("accent", tokens.accent, tokens.app),
                ("on fill", tokens.on_fill, tokens.fill),
                ("own text", tokens.on_fill, tokens.bubble_out),
                ("own time", tokens.on_fill_muted, tokens.bubble_out),
                ("good", tokens.good, tokens.side),
                ("warning", tokens.warning, tokens.side),
                ("danger", tokens.danger, tokens.raised),
                ("quiet badge", tokens.text, tokens.border),
                ("accent on the panel", tokens.accent, tokens.side),
                ("gap", tokens.warning, tokens.app),
            ];
            for (what, text, ground) in pairs {
                let ratio = contrast(text, ground);
                assert!(ratio >= 4.5, "{what} (dark: {}): {ratio:.2}", tokens.dark);
            }
            for seed in 0..8 {
                let ratio = contrast(tokens.identity(seed), tokens.bubble_in);
                assert!(ratio >= 4.5, "identity {seed} (dark: {}): {ratio:.2}", tokens.dark);
            }
        }
    }
}
