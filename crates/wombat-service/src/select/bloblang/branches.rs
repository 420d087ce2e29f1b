//! `if` and `match` as values.

use super::{
    cursor::{Cursor, Parsed},
    queries::Query,
};

impl Cursor<'_> {
    pub(super) fn if_value(&mut self) -> Parsed<Query> {
        self.term("if")?;
        self.blanks()?;
        self.must(Self::query)?;
        self.braced()?;
        while self
            .may(|it| {
                it.any_space();
                it.term("else if")?;
                it.blanks()?;
                it.must(Self::query)?;
                it.braced()
            })?
            .is_some()
        {}
        self.may(|it| {
            it.any_space();
            it.term("else")?;
            it.braced()
        })?;
        Ok(Query::Open)
    }

    /// A value in braces, which must follow.
    fn braced(&mut self) -> Parsed<()> {
        self.any_space();
        self.must(|it| it.term("{"))?;
        self.any_space();
        self.must(Self::query)?;
        self.any_space();
        self.must(|it| it.term("}"))
    }

    pub(super) fn match_value(&mut self) -> Parsed<Query> {
        self.term("match")?;
        self.blanks()?;
        self.may(Self::query)?;
        self.any_space();
        self.must(|it| {
            it.delimited(
                Self::begin_block,
                Self::case,
                Self::next_case,
                Self::end_block,
            )
        })?;
        Ok(Query::Open)
    }

    fn case(&mut self) -> Parsed<()> {
        self.one_of(&[
            |it| {
                it.term("_")?;
                it.any_blanks();
                it.term("=>")
            },
            |it| {
                it.query()?;
                it.any_blanks();
                it.term("=>")
            },
        ])?;
        self.any_blanks();
        self.query()?;
        Ok(())
    }

    fn next_case(&mut self) -> Parsed<()> {
        self.any_blanks();
        self.one_of(&[|it| it.term(","), Self::line_end])?;
        self.any_space();
        Ok(())
    }
}
