//! A Parquet file as a table.
//!
//! DataFusion's own table lists files, and reads the metadata of each several times, page index included, whatever is
//! asked. Here it is read once, and the file is read where it lies: on the thread that decodes, with no store in between.

use super::pruned::on_timestamp;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{
    FileScanConfigBuilder, ParquetFileMetrics, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Once, OnceLock};

/// A file, and what its end says.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    path: PathBuf,
    size: u64,
    metadata: Arc<ParquetMetaData>,
}

impl ParquetFile {
    /// Reads a file's end.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn open(path: PathBuf) -> Result<Self, ParquetError> {
        let file = File::open(&path)?;
        let size = file.metadata()?.len();
        let metadata = Arc::new(ParquetMetaDataReader::new().parse_and_finish(&file)?);
        Ok(ParquetFile { path, size, metadata })
    }

    pub(crate) fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }

    /// The columns that it declares.
    ///
    /// # Errors
    /// Where they have no Arrow type.
    pub(crate) fn declared(&self) -> Result<Schema, ParquetError> {
        let file = self.metadata.file_metadata();
        parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// A file as a table with some of its columns.
#[derive(Debug)]
pub(crate) struct ParquetTable {
    file: Arc<ParquetFile>,
    schema: SchemaRef,
    statistics: OnceLock<Arc<Statistics>>,
}

impl ParquetTable {
    pub(crate) fn new(file: Arc<ParquetFile>, schema: SchemaRef) -> Self {
        ParquetTable { file, schema, statistics: OnceLock::new() }
    }

    /// What is known of its values; it takes a while where there are many row groups, and not every query asks.
    fn known(&self) -> Arc<Statistics> {
        let read = || {
            let known = DFParquetMetadata::statistics_from_parquet_metadata(&self.file.metadata, &self.schema);
            Arc::new(known.unwrap_or_else(|_| Statistics::new_unknown(&self.schema)))
        };
        Arc::clone(self.statistics.get_or_init(read))
    }
}

#[async_trait]
impl TableProvider for ParquetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        keep_memory();
        let reader = Arc::new(InPlace(Arc::clone(&self.file)));
        let mut source = ParquetSource::new(&self.schema).with_parquet_file_reader_factory(reader);
        let bounds = filters.iter().flat_map(|f| split_conjunction(f)).filter_map(|f| on_timestamp(f, &self.schema));
        if let Some(bounds) = conjunction(bounds) {
            let schema = DFSchema::try_from(self.schema.as_ref().clone())?;
            source = source.with_predicate(state.create_physical_expr(bounds, &schema)?);
        }
        let known = self.known();
        let file = PartitionedFile::new(self.file.name(), self.file.size).with_statistics(Arc::clone(&known));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file(file)
            .with_statistics(known.as_ref().clone())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Column chunks and pages are taken from the system and given back again and again, a megabyte or two at a time; where it
/// is glibc that does so, each of their bytes is zeroed and mapped anew. It keeps back twice as much as the largest block
/// that it has mapped and given back so far: a block that nobody writes to tells it what is to come. Others don't mind.
fn keep_memory() {
    const BLOCK: usize = 24 << 20;
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(black_box(Vec::<u8>::with_capacity(BLOCK))));
}

/// Reads a file on the thread that asks.
#[derive(Debug)]
struct InPlace(Arc<ParquetFile>);

impl ParquetFileReaderFactory for InPlace {
    fn create_reader(
        &self,
        partition: usize,
        _: PartitionedFile,
        _: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let metrics = ParquetFileMetrics::new(partition, &self.0.name(), metrics);
        Ok(Box::new(Reader { file: Arc::clone(&self.0), open: None, metrics }))
    }
}

struct Reader {
    file: Arc<ParquetFile>,
    open: Option<File>,
    metrics: ParquetFileMetrics,
}

impl Reader {
    fn read(&mut self, range: &Range<u64>) -> io::Result<Bytes> {
        let file = match &mut self.open {
            Some(file) => file,
            none => none.insert(File::open(&self.file.path)?),
        };
        let breaks_off = || io::Error::new(io::ErrorKind::UnexpectedEof, "damaged Parquet: it ends within a column");
        let length = range.end.checked_sub(range.start).filter(|_| range.end <= self.file.size);
        let length = usize::try_from(length.ok_or_else(breaks_off)?).map_err(io::Error::other)?;
        file.seek(SeekFrom::Start(range.start))?;
        let mut bytes = Vec::with_capacity(length);
        file.take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() != length {
            return Err(breaks_off());
        }
        self.metrics.bytes_scanned.add(bytes.len());
        Ok(Bytes::from(bytes))
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        let bytes = self.read(&range).map_err(ParquetError::from);
        async { bytes }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        let metadata = Arc::clone(&self.file.metadata);
        async { Ok(metadata) }.boxed()
    }
}
