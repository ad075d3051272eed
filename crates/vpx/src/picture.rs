//! A picture as codecs take it: I420, eight bits, three planes one behind the other. No colours beyond that, no scaling.

/// One picture. The planes of colour have half of the width and height, rounded up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl Picture {
    /// The longest side: what a VP8 header can say (RFC 6386, 9.1).
    pub const LONGEST: u32 = 16_383;

    /// A black picture; sides are brought between 1 and [`Picture::LONGEST`].
    pub fn black(width: u32, height: u32) -> Self {
        let mut picture = Self::default();
        picture.resize(width, height);
        picture.data.fill(128);
        picture.y_mut().fill(16);
        picture
    }

    /// Changes the size; what is in it afterwards is of no meaning. Does nothing if the size is the same.
    pub fn resize(&mut self, width: u32, height: u32) {
        (self.width, self.height) = (width.clamp(1, Self::LONGEST), height.clamp(1, Self::LONGEST));
        self.data.resize(self.luma_len() + 2 * self.chroma_len(), 0);
    }

    /// Samples in a line.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Lines.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Samples in a line of a plane of colour.
    pub fn chroma_width(&self) -> u32 {
        self.width.div_ceil(2)
    }

    /// Lines of a plane of colour.
    pub fn chroma_height(&self) -> u32 {
        self.height.div_ceil(2)
    }

    /// All three planes, brightness first, then blue and red, as Y4M has them.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// All three planes.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The brightness.
    pub fn y(&self) -> &[u8] {
        self.data.get(..self.luma_len()).unwrap_or_default()
    }

    /// The brightness.
    pub fn y_mut(&mut self) -> &mut [u8] {
        let end = self.luma_len();
        self.data.get_mut(..end).unwrap_or_default()
    }

    /// The planes of colour, blue and red.
    pub fn uv(&self) -> (&[u8], &[u8]) {
        let uv = self.data.get(self.luma_len()..).unwrap_or_default();
        uv.split_at_checked(self.chroma_len()).unwrap_or_default()
    }

    /// The planes of colour, blue and red.
    pub fn uv_mut(&mut self) -> (&mut [u8], &mut [u8]) {
        let (begin, half) = (self.luma_len(), self.chroma_len());
        let uv = self.data.get_mut(begin..).unwrap_or_default();
        uv.split_at_mut_checked(half).unwrap_or_default()
    }

    fn luma_len(&self) -> usize {
        self.width as usize * self.height as usize
    }

    fn chroma_len(&self) -> usize {
        self.chroma_width() as usize * self.chroma_height() as usize
    }
}
