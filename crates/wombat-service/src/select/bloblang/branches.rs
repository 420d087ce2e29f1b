//! `if`, and `match` as a value.

use super::{
    cursor::{Cursor, Parsed},
    queries::Query,
};

impl Cursor<'_> {
    pub(super) fn if_value(&mut self) -> Parsed<Query> {
        self.conditional(Self::braced)?;
        Ok(Query::Open)
    }

    /// `if`, and each `else if` and `else` after it, with their blocks.
    pub(super) fn conditional(&mut self, block: fn(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.term("if")?;
        self.blanks()?;
        self.must(Self::query)?;
        block(self)?;
        while self
            .may(|it| {
                it.any_space();
                it.term("else if")?;
                it.blanks()?;
                it.must(Self::query)?;
                block(it)
            })?
            .is_some()
        {}
        self.may(|it| {
            it.any_space();
            it.term("else")?;
            block(it)
        })?;
        Ok(())
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
