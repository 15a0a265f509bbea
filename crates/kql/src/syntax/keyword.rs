//! The words of the language, and where each may still be used as a name.
//!
//! KQL reserves nearly three hundred words, many of them only for editors or management commands. They matter all the
//! same: a column called `title` must be written `['title']` in an expression. Case matters: `Where` is no keyword.
//! Which word is allowed where was measured against the language's reference parser.

/// Where a word may be used as a name without brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Everywhere.
    Name,
    /// Where a name is declared before `=` or `:`, or part of a wildcard, but not in an expression.
    Declared,
    /// Nowhere.
    Reserved,
}

macro_rules! keywords {
    ($($variant:ident $text:literal $use:ident,)*) => {
        /// One word of the language; some have dashes, dots or a space in them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Keyword {
            $($variant,)*
        }

        impl Keyword {
            /// All of them.
            pub(crate) const ALL: &'static [Keyword] = &[$(Keyword::$variant,)*];

            /// As it is written.
            pub(crate) const fn text(self) -> &'static str {
                match self { $(Keyword::$variant => $text,)* }
            }

            /// Where it may be a name.
            pub(crate) const fn usage(self) -> Use {
                match self { $(Keyword::$variant => Use::$use,)* }
            }
        }
    };
}

keywords! {
    BangBetween "!between" Reserved,
    BangContains "!contains" Reserved,
    BangContainsCs "!contains_cs" Reserved,
    BangEndswith "!endswith" Reserved,
    BangEndswithCs "!endswith_cs" Reserved,
    BangHas "!has" Reserved,
    BangHasCs "!has_cs" Reserved,
    BangHasprefix "!hasprefix" Reserved,
    BangHasprefixCs "!hasprefix_cs" Reserved,
    BangHassuffix "!hassuffix" Reserved,
    BangHassuffixCs "!hassuffix_cs" Reserved,
    BangIn "!in" Reserved,
    BangInTilde "!in~" Reserved,
    BangStartswith "!startswith" Reserved,
    BangStartswithCs "!startswith_cs" Reserved,
    Chart3D "3Dchart" Reserved,
    InternalContextualDatatable "__contextual_datatable" Reserved,
    InternalCrossCluster "__crossCluster" Reserved,
    InternalCrossDB "__crossDB" Reserved,
    InternalExecuteAndCache "__executeAndCache" Reserved,
    InternalId "__id" Reserved,
    InternalIsFuzzy "__isFuzzy" Reserved,
    InternalNoWithSource "__noWithSource" Reserved,
    InternalPackedColumn "__packedColumn" Reserved,
    InternalPartitionby "__partitionby" Name,
    InternalProjectAway "__projectAway" Reserved,
    InternalSourceColumnIndex "__sourceColumnIndex" Reserved,
    Access "access" Name,
    Accumulate "accumulate" Declared,
    Alias "alias" Name,
    And "and" Reserved,
    Anomalychart "anomalychart" Reserved,
    Areachart "areachart" Reserved,
    As "as" Declared,
    Asc "asc" Reserved,
    AssertSchema "assert-schema" Reserved,
    Bagexpansion "bagexpansion" Reserved,
    Barchart "barchart" Reserved,
    BestEffort "best_effort" Name,
    Between "between" Reserved,
    Bin "bin" Name,
    BinLegacy "bin_legacy" Reserved,
    Bool "bool" Name,
    Boolean "boolean" Reserved,
    By "by" Declared,
    Byte "byte" Reserved,
    Cachingpolicy "cachingpolicy" Reserved,
    Callout "callout" Reserved,
    Cancel "cancel" Reserved,
    Card "card" Reserved,
    Char "char" Reserved,
    Columnchart "columnchart" Reserved,
    CommandsAndQueries "commands-and-queries" Reserved,
    Consume "consume" Name,
    Contains "contains" Declared,
    ContainsCs "contains_cs" Reserved,
    Containscs "containscs" Reserved,
    Count "count" Name,
    Cycles "cycles" Reserved,
    Database "database" Name,
    Dataexport "dataexport" Reserved,
    Dataformat "dataformat" Name,
    Datascope "datascope" Reserved,
    Datatable "datatable" Declared,
    Date "date" Reserved,
    Datetime "datetime" Reserved,
    DatetimePattern "datetime_pattern" Name,
    Decimal "decimal" Reserved,
    Declare "declare" Name,
    Decodeblocks "decodeblocks" Reserved,
    Default "default" Name,
    Desc "desc" Reserved,
    Distinct "distinct" Name,
    Double "double" Reserved,
    Dynamic "dynamic" Reserved,
    Earliest "earliest" Declared,
    Edges "edges" Name,
    Encodingpolicy "encodingpolicy" Reserved,
    Endswith "endswith" Reserved,
    EndswithCs "endswith_cs" Reserved,
    EntityGroup "entity_group" Name,
    Evaluate "evaluate" Name,
    Expandoutput "expandoutput" Reserved,
    Extend "extend" Name,
    ExtentTagsRetention "extent_tags_retention" Reserved,
    ExternalData "external_data" Reserved,
    Externaldata "externaldata" Declared,
    Facet "facet" Name,
    Filter "filter" Name,
    Find "find" Declared,
    First "first" Reserved,
    Flags "flags" Reserved,
    Float "float" Reserved,
    ForceRemote "force_remote" Reserved,
    Fork "fork" Name,
    From "from" Name,
    Getschema "getschema" Name,
    GrannyAsc "granny-asc" Reserved,
    GrannyDesc "granny-desc" Reserved,
    Graph "graph" Name,
    GraphMarkComponents "graph-mark-components" Reserved,
    GraphMatch "graph-match" Reserved,
    GraphShortestPaths "graph-shortest-paths" Reserved,
    GraphToTable "graph-to-table" Reserved,
    GraphWhereEdges "graph-where-edges" Reserved,
    GraphWhereNodes "graph-where-nodes" Reserved,
    Guid "guid" Name,
    Harddelete "harddelete" Reserved,
    Hardretention "hardretention" Reserved,
    Has "has" Declared,
    HasAll "has_all" Reserved,
    HasAny "has_any" Reserved,
    HasCs "has_cs" Reserved,
    Hasprefix "hasprefix" Reserved,
    HasprefixCs "hasprefix_cs" Reserved,
    Hassuffix "hassuffix" Reserved,
    HassuffixCs "hassuffix_cs" Reserved,
    HintConcurrency "hint.concurrency" Reserved,
    HintDistribution "hint.distribution" Reserved,
    HintMaterialized "hint.materialized" Reserved,
    HintNumPartitions "hint.num_partitions" Reserved,
    HintProgressiveTop "hint.progressive_top" Reserved,
    HintRemote "hint.remote" Reserved,
    HintShufflekey "hint.shufflekey" Reserved,
    HintSpread "hint.spread" Reserved,
    HintStrategy "hint.strategy" Reserved,
    Hotcache "hotcache" Reserved,
    Id "id" Name,
    In "in" Declared,
    InlineExternalTable "inline_external_table" Name,
    Int "int" Reserved,
    Int16 "int16" Reserved,
    Int32 "int32" Reserved,
    Int64 "int64" Reserved,
    Int8 "int8" Reserved,
    Invoke "invoke" Declared,
    InTilde "in~" Reserved,
    Isfuzzy "isfuzzy" Reserved,
    Join "join" Name,
    Journal "journal" Reserved,
    Kind "kind" Reserved,
    Ladderchart "ladderchart" Reserved,
    Last "last" Reserved,
    Latest "latest" Declared,
    Let "let" Name,
    Like "like" Reserved,
    Likecs "likecs" Reserved,
    Limit "limit" Name,
    Linechart "linechart" Reserved,
    Long "long" Reserved,
    Lookup "lookup" Name,
    MacroExpand "macro-expand" Reserved,
    MakeGraph "make-graph" Reserved,
    MakeSeries "make-series" Reserved,
    MatchesRegex "matches regex" Reserved,
    Materialize "materialize" Declared,
    MaterializedViewCombine "materialized-view-combine" Reserved,
    MaterializedViews "materialized-views" Reserved,
    Mdm "mdm" Declared,
    Missing "missing" Reserved,
    MvDashApply "mv-apply" Reserved,
    MvDashExpand "mv-expand" Reserved,
    MvApply "mvapply" Name,
    MvExpand "mvexpand" Name,
    Nodes "nodes" Name,
    Nooptimization "nooptimization" Reserved,
    Notcontains "notcontains" Reserved,
    Notcontainscs "notcontainscs" Reserved,
    Notlike "notlike" Reserved,
    Notlikecs "notlikecs" Reserved,
    Null "null" Name,
    Nulls "nulls" Name,
    Of "of" Declared,
    On "on" Name,
    Optional "optional" Name,
    Or "or" Reserved,
    Order "order" Name,
    Others "others" Reserved,
    Output "output" Name,
    Pack "pack" Name,
    Parse "parse" Name,
    ParseKv "parse-kv" Reserved,
    ParseWhere "parse-where" Reserved,
    Partition "partition" Name,
    PartitionedBy "partitioned-by" Reserved,
    Pathformat "pathformat" Reserved,
    Pattern "pattern" Name,
    Piechart "piechart" Reserved,
    Pivotchart "pivotchart" Reserved,
    Plotly "plotly" Name,
    Print "print" Declared,
    Project "project" Reserved,
    ProjectAway "project-away" Reserved,
    ProjectByNames "project-by-names" Reserved,
    ProjectKeep "project-keep" Reserved,
    ProjectRename "project-rename" Reserved,
    ProjectReorder "project-reorder" Reserved,
    ProjectSmart "project-smart" Reserved,
    Queries "queries" Reserved,
    QueryParameters "query_parameters" Name,
    QueryResults "query_results" Reserved,
    Range "range" Name,
    Real "real" Reserved,
    Reduce "reduce" Name,
    Regex "regex" Name,
    Relaxed "relaxed" Reserved,
    Render "render" Name,
    Restrict "restrict" Name,
    RestrictedViewAccess "restricted_view_access" Reserved,
    RowLevelSecurity "row_level_security" Reserved,
    Rowstore "rowstore" Reserved,
    RowstoreReferences "rowstore_references" Reserved,
    RowstoreSealinfo "rowstore_sealinfo" Reserved,
    Rowstorepolicy "rowstorepolicy" Reserved,
    Rowstores "rowstores" Reserved,
    Sample "sample" Declared,
    SampleDistinct "sample-distinct" Declared,
    Scan "scan" Name,
    Scatterchart "scatterchart" Reserved,
    Seal "seal" Reserved,
    Seals "seals" Reserved,
    Search "search" Declared,
    Serialize "serialize" Name,
    Set "set" Declared,
    SetOrAppend "set-or-append" Reserved,
    SetOrReplace "set-or-replace" Reserved,
    Shards "shards" Reserved,
    Simple "simple" Reserved,
    Softdelete "softdelete" Reserved,
    Softretention "softretention" Reserved,
    Sort "sort" Name,
    Sql "sql" Declared,
    Stackedareachart "stackedareachart" Reserved,
    Startswith "startswith" Reserved,
    StartswithCs "startswith_cs" Reserved,
    Statistics "statistics" Reserved,
    Step "step" Name,
    Storedqueryresultcontainers "storedqueryresultcontainers" Reserved,
    String "string" Reserved,
    Summarize "summarize" Name,
    Tablepurge "tablepurge" Reserved,
    Take "take" Name,
    Time "time" Reserved,
    Timechart "timechart" Reserved,
    Timeline "timeline" Reserved,
    Timepivot "timepivot" Reserved,
    Timespan "timespan" Reserved,
    Title "title" Declared,
    To "to" Declared,
    Top "top" Name,
    TopHitters "top-hitters" Declared,
    TopNested "top-nested" Declared,
    Toscalar "toscalar" Declared,
    Totable "totable" Declared,
    Treemap "treemap" Reserved,
    Typeof "typeof" Name,
    Uint "uint" Reserved,
    Uint16 "uint16" Reserved,
    Uint32 "uint32" Reserved,
    Uint64 "uint64" Reserved,
    Uint8 "uint8" Reserved,
    Ulong "ulong" Reserved,
    Union "union" Reserved,
    Uniqueid "uniqueid" Reserved,
    Unrestrictedviewers "unrestrictedviewers" Reserved,
    Uuid "uuid" Name,
    Verbose "verbose" Declared,
    View "view" Name,
    Viewers "viewers" Declared,
    Views "views" Reserved,
    Where "where" Declared,
    With "with" Name,
    WithItemindex "with_itemindex" Reserved,
    WithMatchId "with_match_id" Reserved,
    WithNodeId "with_node_id" Name,
    WithSource "with_source" Reserved,
    WithStepName "with_step_name" Reserved,
    Withsource "withsource" Reserved,
    Writeaheadlog "writeaheadlog" Reserved,
}

impl Keyword {
    /// Whether it may be used as a name in an expression.
    pub(crate) fn is_name(self) -> bool {
        self.usage() == Use::Name
    }

    /// Whether it may be used as a name that is declared.
    pub(crate) fn is_declared_name(self) -> bool {
        self.usage() != Use::Reserved
    }

    /// The longest keyword that `rest` begins with, whatever follows it.
    pub(crate) fn longest_prefix(rest: &[u8]) -> Option<Keyword> {
        let first = usize::from(*rest.first()?);
        let bucket = INDEX.get(first)?;
        bucket.iter().copied().find(|k| rest.starts_with(k.text().as_bytes()))
    }

    /// The keyword that is spelled exactly so.
    pub(crate) fn exact(text: &str) -> Option<Keyword> {
        Self::longest_prefix(text.as_bytes()).filter(|k| k.text().len() == text.len())
    }
}

/// The keywords by their first byte, longest first.
static INDEX: std::sync::LazyLock<Vec<Vec<Keyword>>> = std::sync::LazyLock::new(|| {
    let mut index = vec![Vec::new(); 128];
    for &keyword in Keyword::ALL {
        index[usize::from(keyword.text().as_bytes()[0])].push(keyword);
    }
    for bucket in &mut index {
        bucket.sort_by_key(|k| std::cmp::Reverse(k.text().len()));
    }
    index
});

#[cfg(test)]
mod tests {
    use super::super::lexer::{Kind, lex};
    use super::{Keyword, Use};

    #[test]
    fn every_keyword_is_one_token() {
        for &keyword in Keyword::ALL {
            let lexed = lex(keyword.text());
            assert_eq!(lexed.tokens.len(), 2, "{}", keyword.text());
            assert_eq!(lexed.tokens[0].kind, Kind::Keyword(keyword));
            assert_eq!(Keyword::exact(keyword.text()), Some(keyword));
        }
    }

    #[test]
    fn keywords_are_in_order_and_told_apart() {
        let texts: Vec<&str> = Keyword::ALL.iter().map(|k| k.text()).collect();
        assert!(texts.windows(2).all(|w| w[0] < w[1]), "the table is sorted and has no doubles");
    }

    #[test]
    fn case_and_what_follows_decide() {
        assert_eq!(Keyword::exact("Where"), None);
        for text in ["where1", "whereas", "in~a", "project-awayX", "_where", "hint.strategyX"] {
            assert!(!matches!(lex(text).tokens[0].kind, Kind::Keyword(_)), "{text}");
        }
        assert_eq!(lex("has\"x\"").tokens[0].kind, Kind::Keyword(Keyword::Has));
    }

    #[test]
    fn usage_is_as_measured() {
        assert_eq!(Keyword::Count.usage(), Use::Name);
        assert_eq!(Keyword::Title.usage(), Use::Declared);
        assert_eq!(Keyword::Kind.usage(), Use::Reserved);
    }
}
