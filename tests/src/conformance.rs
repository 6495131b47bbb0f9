//! One suite that every kind passes, driven through the engine as a command drives it, on the local cloud.
//!
//! A [`Fixture`] says as data what a kind is to be asked; the suite knows no kind. What it finds it tells as
//! [`Finding`]s, so that tests of its own can see it fail.

mod checks;
mod fixture;
mod world;

pub use checks::{check, check_lagging};
pub use fixture::{Act, Field, Fixture, Mutation, NAMED, Ownership, Variant, act};
pub use world::World;

/// One way in which a kind does not conform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check found it: `adopt`.
    pub check: &'static str,
    /// What was seen.
    pub what: String,
}

/// Tests that the kind of a fixture conforms, whether reads show a write at once or lag behind it:
/// `tests::conforms!(fixture)`, with `at_once` for services whose reads never lag. The fixture is an async function, and
/// the module that calls this bears the kind's name.
#[macro_export]
macro_rules! conforms {
    ($fixture:ident, at_once) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
        async fn conforms() {
            let fixture = $fixture().await;
            let kind = fixture.meta().name;
            assert!(module_path!().ends_with(kind), "the fixture of {kind} is in {}", module_path!());
            let findings = $crate::conformance::check(&fixture).await;
            assert!(findings.is_empty(), "{kind}: {findings:#?}");
        }
    };
    ($fixture:ident) => {
        $crate::conforms!($fixture, at_once);

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
        async fn comes_to_rest_though_reads_lag() {
            let asked = async { $crate::conformance::check_lagging(&$fixture().await, $crate::live::LAG).await };
            let findings = $crate::live::lagging(asked).await;
            assert!(findings.is_empty(), "{findings:#?}");
        }
    };
}
