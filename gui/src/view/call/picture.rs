//! Pictures of a call on the screen: a picture is turned into a texture once, when it is new.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use eframe::egui::Color32;
use eframe::egui::ColorImage;
use eframe::egui::CornerRadius;
use eframe::egui::Id;
use eframe::egui::Rect;
use eframe::egui::TextureHandle;
use eframe::egui::TextureId;
use eframe::egui::TextureOptions;
use eframe::egui::Ui;
use eframe::egui::epaint::RectShape;
use eframe::egui::epaint::StrokeKind;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_node::calling::Picture;

/// What is on the graphics card, and of which picture.
#[derive(Clone)]
struct Slot {
    /// Held so that no other picture takes its place in memory: then it would look like this one.
    of: Arc<Picture>,
    texture: TextureHandle,
}

/// The largest rectangle within `area` that has the shape of a picture.
pub(super) fn within(picture: &Picture, area: Rect) -> Rect {
    let (width, height) = (picture.width().max(1) as f32, picture.height().max(1) as f32);
    let scale = (area.width() / width).min(area.height() / height);
    Rect::from_center_size(area.center(), vec2(width, height) * scale)
}

/// The part of a picture, in parts of its size, that fills an area of another shape: what is too wide or too high is left out on both sides.
pub(super) fn filling(picture: &Picture, area: Rect) -> Rect {
    let (width, height) = (picture.width().max(1) as f32, picture.height().max(1) as f32);
    let scale = (area.width() / width).max(area.height() / height);
    let part = vec2(area.width() / (width * scale), area.height() / (height * scale));
    Rect::from_center_size(pos2(0.5, 0.5), part)
}

/// All of a picture, as parts of its size.
pub(super) const WHOLE: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(1.0, 1.0) };

/// Paints a part of a picture, as it is or as in a mirror. `of`: what is shown, from one picture to the next.
pub(super) fn paint(
    ui: &Ui,
    of: impl Hash + Copy + Debug,
    picture: &Arc<Picture>,
    (rect, part): (Rect, Rect),
    mirrored: bool,
    corners: CornerRadius,
) {
    let (left, right) = if mirrored { (part.max.x, part.min.x) } else { (part.min.x, part.max.x) };
    let part = Rect { min: pos2(left, part.min.y), max: pos2(right, part.max.y) };
    let shape = RectShape::new(rect, corners, Color32::WHITE, eframe::egui::Stroke::NONE, StrokeKind::Inside);
    ui.painter().add(shape.with_texture(texture(ui, of, picture), part));
}

fn texture(ui: &Ui, of: impl Hash + Copy + Debug, picture: &Arc<Picture>) -> TextureId {
    let id = Id::unique(("picture of a call", of));
    let slot: Option<Slot> = ui.data(|data| data.get_temp(id));
    let slot = match slot {
        Some(slot) if Arc::ptr_eq(&slot.of, picture) => return slot.texture.id(),
        Some(mut slot) => {
            slot.texture.set(colours(picture), TextureOptions::LINEAR);
            Slot { of: Arc::clone(picture), texture: slot.texture }
        }
        None => {
            let texture = ui.ctx().load_texture("call", colours(picture), TextureOptions::LINEAR);
            Slot { of: Arc::clone(picture), texture }
        }
    };
    let texture = slot.texture.id();
    ui.data_mut(|data| data.insert_temp(id, slot));
    texture
}

/// A picture of brightness and colour differences as red, green and blue (ITU-R BT.601, limited range, as VP8 has it).
fn colours(picture: &Picture) -> ColorImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let chroma = picture.chroma_width() as usize;
    let (u, v) = picture.uv();
    let mut pixels = Vec::with_capacity(width * height);
    for (row, line) in picture.y().chunks_exact(width.max(1)).enumerate() {
        let begin = row / 2 * chroma;
        let near_row = begin..begin + chroma;
        let u = u.get(near_row.clone()).unwrap_or_default();
        let v = v.get(near_row).unwrap_or_default();
        for (at, y) in line.iter().enumerate() {
            let near = |plane: &[u8]| i32::from(plane.get(at / 2).copied().unwrap_or(128)) - 128;
            let (d, e, c) = (near(u), near(v), (i32::from(*y) - 16) * 298 + 128);
            let byte = |value: i32| (value >> 8).clamp(0, 255) as u8;
            pixels.push(Color32::from_rgb(byte(c + 409 * e), byte(c - 100 * d - 208 * e), byte(c + 516 * d)));
        }
    }
    pixels.resize(width * height, Color32::BLACK);
    ColorImage::new([width, height], pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_is_black_and_white_is_white() {
        let mut picture = Picture::black(32, 16);
        assert_eq!(colours(&picture).pixels[0], Color32::BLACK);
        picture.y_mut().fill(235);
        assert_eq!(colours(&picture).pixels[40], Color32::WHITE);
        picture.y_mut().fill(81);
        let (u, v) = picture.uv_mut();
        u.fill(90);
        v.fill(240);
        let red = colours(&picture).pixels[511];
        assert!(red.r() > 250 && red.g() < 5 && red.b() < 5, "{red:?}");
    }

    #[test]
    fn a_picture_keeps_its_shape() {
        let area = Rect::from_min_size(pos2(0.0, 0.0), vec2(400.0, 400.0));
        let shown = within(&Picture::black(1_280, 720), area);
        assert_eq!((shown.width(), shown.height()), (400.0, 225.0));
        assert_eq!(shown.center(), area.center());
        let part = filling(&Picture::black(1_280, 720), area);
        assert_eq!((part.height(), part.width()), (1.0, 0.5625), "a square of it");
    }
}
