//! Which servers of a load balancer are up.
use alloc::vec::Vec;

/// Up and down, by index. All are up until one is set down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    generation: u64,
    down: Vec<u32>,
}

impl Health {
    /// All up.
    pub const ALL_UP: Self = Self { generation: 0, down: Vec::new() };

    /// Whether the server at `index` is up.
    #[must_use]
    pub fn is_up(&self, index: usize) -> bool {
        u32::try_from(index).is_ok_and(|index| !self.down.contains(&index))
    }

    /// Changes with every change of any server; balancers start over when it does.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Sets a server up or down.
    pub fn set(&mut self, index: u32, up: bool) {
        let was_down = self.down.contains(&index);
        if was_down == up {
            self.generation += 1;
            if up {
                self.down.retain(|down| *down != index);
            } else {
                self.down.push(index);
            }
        }
    }
}
