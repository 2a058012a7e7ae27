//! How long the cover takes, in attempts: what simulation found for [`super::CANDIDATES`]. The
//! figures and how they were found are in `docs/cover.md`; `src/sim/tests/cover.rs` holds them.

/// Attempts until everything has been looked at, in 99 of 100 cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoverPeriod {
    /// Each of the 84 signature cells, with any kind and key.
    pub cell: u32,
    /// Each of them with each kind and key.
    pub cell_with_class: u32,
    /// Each of them with each kind and key and each remainder of the name's length: found by chance,
    /// only sooner than among random tokens.
    pub three: u32,
    /// Each of them on a tenth of the partner's nodes.
    pub tenth_of_nodes: u32,
}

impl CoverPeriod {
    /// With one kind and key.
    const ALONE: u32 = 25;
    /// With several: their looks are not quite as well spread.
    const AMONG_SEVERAL: u32 = 30;
    /// A cell with one remainder, for each remainder that there is.
    const WITH_REMAINDER: u32 = 66;
    /// A cell on one tenth of the nodes.
    const TENTH: u32 = 734;

    /// For so many pairs of kind and key, and so many remainders mod 3 of the names' lengths.
    pub fn of(classes: u32, remainders: u32) -> Self {
        let classes = classes.max(1);
        let cell = if classes == 1 { Self::ALONE } else { Self::AMONG_SEVERAL };
        Self {
            cell,
            cell_with_class: cell * classes,
            three: Self::WITH_REMAINDER * remainders.clamp(1, 3) * classes,
            tenth_of_nodes: Self::TENTH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_kinds_and_keys_take_longer() {
        let [one, two, four] = [1, 2, 4].map(|classes| CoverPeriod::of(classes, 3));
        assert_eq!((one.cell, one.cell_with_class), (25, 25));
        assert_eq!((two.cell, two.cell_with_class, two.three), (30, 60, 396));
        assert_eq!((four.cell, four.cell_with_class), (30, 120));
        assert_eq!(CoverPeriod::of(0, 0), CoverPeriod::of(1, 1));
    }
}
