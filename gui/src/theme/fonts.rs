//! The fonts of the app. Everything shown in tests comes from the binary; at run time egui adds the system's fonts for
//! scripts that are not here, Chinese, Japanese and Korean above all.

use std::sync::Arc;

use eframe::egui::FontData;
use eframe::egui::FontDefinitions;
use eframe::egui::FontFamily;
use eframe::egui::FontTweak;

/// The bundled faces in order of preference.
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    let faces: [(&str, &'static [u8]); 7] = [
        ("inter", include_bytes!("../../assets/Inter-Regular.otf")),
        ("inter-medium", include_bytes!("../../assets/Inter-Medium.otf")),
        ("inter-semibold", include_bytes!("../../assets/Inter-SemiBold.otf")),
        ("emoji", include_bytes!("../../assets/Twemoji-COLRv0.ttf")),
        ("arabic", include_bytes!("../../assets/NotoSansArabic-Regular.ttf")),
        ("hebrew", include_bytes!("../../assets/NotoSansHebrew-Regular.ttf")),
        ("devanagari", include_bytes!("../../assets/NotoSansDevanagari-Regular.ttf")),
    ];
    for (name, bytes) in faces {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let icons = FontData::from_static(include_bytes!("../../assets/Phosphor-subset.ttf"))
        .tweak(FontTweak { y_offset_factor: 0.06, ..FontTweak::default() });
    fonts.font_data.insert("icons".to_owned(), Arc::new(icons));
    let family = |first: &str| {
        let chain = [first, "emoji", "arabic", "hebrew", "devanagari"];
        chain.map(str::to_owned).to_vec()
    };
    fonts.families.insert(FontFamily::Proportional, family("inter"));
    fonts.families.insert(FontFamily::Monospace, family("inter"));
    fonts.families.insert(FontFamily::Name("medium".into()), family("inter-medium"));
    fonts.families.insert(FontFamily::Name("semibold".into()), family("inter-semibold"));
    fonts.families.insert(FontFamily::Name("icons".into()), vec!["icons".to_owned()]);
    fonts
}
