//! What Python the local cloud can use. The build script of the tests asks the same, so it stands alone: no imports from
//! this package.

/// The oldest version that MiniStack runs on.
pub const OLDEST: (u32, u32) = (3, 10);

/// The names it may have on the PATH, in the order they are tried.
pub const NAMES: &[&str] = &["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

/// A program that prints its version, and fails where it cannot make virtual environments.
pub const PROBE: &str = "import sys; print(*sys.version_info[:2]); import venv, ensurepip";

/// The version that [`PROBE`] prints, `3 12` say.
pub fn version(printed: &str) -> Option<(u32, u32)> {
    let (major, minor) = printed.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("3 9\n"), Some((3, 9)));
        assert!(version("3 9").unwrap() < OLDEST);
        assert!(version("3 14").unwrap() > OLDEST);
        assert_eq!(version("garbage"), None);
    }
}
