//! A hash whose value is part of our contracts: attempt ids and schedule phases must be the same
//! on every machine, in every release.

/// 64-bit FNV-1a with a final avalanche (the mixer of MurmurHash3), so that near inputs spread.
#[derive(Clone, Copy, Debug)]
pub struct StableHasher(u64);

impl StableHasher {
    /// A hasher for one purpose; two purposes never share values.
    pub fn new(purpose: &str) -> Self {
        Self(0xcbf2_9ce4_8422_2325).text(purpose)
    }

    /// Takes in a text and its end, so that `ab`,`c` and `a`,`bc` differ.
    pub fn text(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            self.byte(byte);
        }
        self.byte(0xff);
        self
    }

    /// Takes in a number.
    pub fn number(mut self, number: u64) -> Self {
        for byte in number.to_le_bytes() {
            self.byte(byte);
        }
        self
    }

    /// The value.
    pub fn finish(self) -> u64 {
        let mut h = self.0;
        h ^= h >> 33;
        h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
        h ^= h >> 33;
        h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^ (h >> 33)
    }

    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_a_contract() {
        assert_eq!(StableHasher::new("phase").text("pod-18").number(7).finish(), 13_437_171_866_911_843_133);
    }

    #[test]
    fn boundaries_count() {
        let one = StableHasher::new("x").text("ab").text("c").finish();
        let two = StableHasher::new("x").text("a").text("bc").finish();
        assert_ne!(one, two);
    }
}
