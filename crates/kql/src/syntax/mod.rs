//! Text to tree: the lexer, the parser, the tree and the printer. Knows no Arrow and no DataFusion.

pub mod tree;
