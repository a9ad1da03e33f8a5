//! `contentType`: whether a type is found for servers' responses that have none. Compat: middlewares.md
//! "contentType".
use super::{Answer, Context, Edits, Options, Reaction, Walk};
use crate::cells::Cells;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// The options of `contentType`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContentType {
    /// Whether the first bytes of a body tell its type, as they do without this middleware.
    pub auto_detect: bool,
}

/// Compiled `contentType`.
#[derive(Debug)]
pub struct Detection {
    on: bool,
}

impl Options for ContentType {
    type Middleware = Detection;

    fn compile(&self) -> Result<Detection, String> {
        Ok(Detection { on: self.auto_detect })
    }
}

impl Walk for Detection {
    fn outward<C: Cells>(&self, _: &Context<'_>, _: &C, answer: &mut Answer<'_>) -> Reaction {
        answer.delivery.sniff &= self.on;
        Reaction::Continue
    }

    fn edits(&self) -> Edits<'_> {
        Edits::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exchange::Delivery,
        middleware::{Origin, testing},
    };

    #[test]
    fn a_type_is_found_only_where_both_the_response_and_the_option_ask_for_it() {
        for (auto_detect, before, after) in
            [(false, true, false), (false, false, false), (true, true, true), (true, false, false)]
        {
            let middleware = ContentType { auto_detect }.compile().unwrap();
            let mut head = testing::response(200, &[]);
            let mut delivery = Delivery { sniff: before, ..Delivery::default() };
            let mut answer = Answer {
                head: &mut head,
                origin: Origin::Server,
                delivery: &mut delivery,
                kept: None,
            };
            let _ = testing::with_context(|context| {
                middleware.outward(context, &testing::Nothing, &mut answer)
            });
            assert_eq!(delivery.sniff, after, "{auto_detect} {before}");
        }
    }

    #[test]
    fn an_empty_object_switches_it_off() {
        assert_eq!(serde_json::from_str::<ContentType>("{}").unwrap(), ContentType::default());
    }
}
