mod figures;
mod weight;
mod world;

use billing::ledger::Pause;
use billing::statement::Standing;
use jiff::Timestamp;

use super::*;
use world::{Case, World, html};

/// The text of the element of this id, tags left out.
fn text_of(page: &str, id: &str) -> String {
    let (_, rest) = page.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no #{id} in {page}"));
    let (_, rest) = rest.split_once('>').expect("a tag's end");
    let (inner, _) = rest.split_once("</table>").or_else(|| rest.split_once("</p>")).expect("its end");
    let mut text = String::new();
    let mut in_tag = false;
    for sign in inner.chars() {
        match sign {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            sign if !in_tag => text.push(sign),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_tenant_reads_what_it_costs_and_what_changed() {
    let page = html(&World::of(Case::Normal), "en-US");
    assert!(page.contains("Minute Man Press Toledo") && page.contains("November so far"), "{page}");
    let changes = text_of(&page, "changes");
    assert!(changes.contains("AWS Lambda") && changes.contains("+$"), "{changes}");
    assert!(page.contains("Card ending in 4242"), "{page}");
    assert!(text_of(&page, "invoices").contains("Paid"), "{page}");
}

#[test]
fn german_is_german() {
    let page = html(&World::of(Case::Normal), "de-DE");
    assert!(page.contains("<html lang=\"de\">") && page.contains("November bisher"), "{page}");
    assert!(page.contains("Bezahlt") && page.contains("Karte mit den Endziffern 4242"), "{page}");
    for english in ["Costs", "Paid", "so far", "Help", "Sign out", "Total"] {
        assert!(!page.contains(&format!(">{english}<")), "`{english}` is English");
    }
}

#[test]
fn empty_states_say_what_is_going_on() {
    let first = html(&World::of(Case::FirstDay), "en-US");
    assert!(first.contains("Welcome. Your costs are on their way.") && first.contains("No invoice yet"), "{first}");
    assert!(first.contains("No payment method on file") && !first.contains("<svg class=\"bar"), "{first}");
    let fresh = html(&World::of(Case::NewMonth), "en-US");
    assert!(fresh.contains("No cost yet") && fresh.contains("AWS reports with a day&#39;s delay."), "{fresh}");
    assert!(fresh.contains("class=\"bar was\""), "bars of the last month have its colour: {fresh}");
    assert!(!html(&World::of(Case::Normal), "en-US").contains("class=\"bar was\""));
    let overdue = html(&World::of(Case::Overdue), "en-US");
    assert!(overdue.contains("was due on") && overdue.contains("Overdue"), "{overdue}");
}

#[test]
fn who_is_paused_reads_since_when_why_and_what_it_means() {
    let page = html(&World::of(Case::Paused), "en-US");
    let said = "paused for new work since November\u{a0}25, 2026. The reason: The budget &#60;is&#62; used up. What runs already";
    assert!(page.contains(said) && page.contains("Add payment method"), "{page}");
    let german = html(&World::of(Case::Paused), "de-DE");
    assert!(german.contains("seit dem 25.\u{a0}November 2026 für neue Arbeiten angehalten"), "{german}");
    let lifted = World {
        pause: Some(Pause::lifted(&World::of(Case::Paused).pause.expect("one"), Timestamp::UNIX_EPOCH)),
        ..World::of(Case::Normal)
    };
    assert_eq!(html(&lifted, "en-US"), html(&World::of(Case::Normal), "en-US"), "a pause that is over says nothing");
}

/// Help and errors do not know who reads them: whoever is signed in must not be asked to sign in, and finds the way back.
/// Whoever is not is asked to by the page of costs.
#[test]
fn help_and_errors_lead_back_to_the_costs() {
    let pages = world::every_page();
    let of = |name: &'static str| pages.iter().filter(move |page| page.name.starts_with(name));
    for page in of("help").chain(of("error")) {
        assert!(page.html.contains("<a href=\"/\">") && !page.html.contains("/signin"), "{}", page.html);
    }
    assert!(of("signin").all(|page| page.html.contains("<a href=\"/signin\" aria-current=\"page\">")));
}

#[test]
fn who_may_only_read_has_nothing_to_press() {
    let world = World { is_admin: false, ..World::of(Case::Normal) };
    let page = html(&world, "en-US");
    assert!(!page.contains("data-payment") && page.contains("An administrator of your company"), "{page}");
}

#[test]
fn what_a_tenant_is_called_cannot_become_markup() {
    let mut world = World::of(Case::Normal);
    world.tenant.name = "<script>alert(1)</script>\"'".to_owned();
    world.days[0].services.insert("</table><img src=x>".to_owned(), world::amount(100_000));
    let page = html(&world, "en-US");
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
}

/// Content security policy forbids both: they would not work.
#[test]
fn no_page_has_inline_script_or_style() {
    for page in world::every_page() {
        assert!(!page.html.contains(" style=") && !page.html.contains("<style"), "{}", page.name);
        for script in page.html.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/"), "{}: {script:.60}", page.name);
        }
        for handler in [" onclick", " onload", " onsubmit", "javascript:"] {
            assert!(!page.html.contains(handler), "{}", page.name);
        }
    }
}

/// Colour alone tells nobody anything.
#[test]
fn every_state_is_a_word() {
    for tag in ["en-US", "de-DE"] {
        let words = words::Words::of(locale::Locale::of(tag).language);
        let mut said: Vec<&str> = world::STANDINGS.iter().map(|standing| words.standing_of(*standing)).collect();
        said.sort_unstable();
        said.dedup();
        assert_eq!(said.len(), world::STANDINGS.len());
    }
    let _: fn(Standing) -> &'static str = portal::class;
}

#[test]
fn an_invoice_says_why_it_is_that_much() {
    let page = world::invoice_html(&World::of(Case::Overdue), "en-US");
    let steps = text_of(&page, "steps");
    for said in ["What AWS charged for 3 services", "10% of your AWS cost of $", "19% of the sum so far"] {
        assert!(steps.contains(said), "{said}: {steps}");
    }
    assert!(page.contains("Pay now") && page.contains("Service markup 10%"), "{page}");
    let german = world::invoice_html(&World::of(Case::Overdue), "de-DE");
    assert!(text_of(&german, "steps").contains("Was AWS für 3 Dienste berechnet hat"), "{german}");
}
