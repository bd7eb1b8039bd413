// What an engine's operations cost, roughly, known before it is opened: plans estimate bytes, space and time from it.
//
// Coarse on purpose: within a factor of 3 under uniform keys on one slow core. An estimate says whether a run is worth
// beginning; predictions that stand beside measurements are the cost models' business.

/// How an engine's costs grow.
public struct EngineCostShape: Equatable, Sendable {
  /// What structure is kept.
  public enum Structure: Equatable, Sendable {
    /// Nothing is kept.
    case nothing
    /// Every write is appended, every read searches everything.
    case log
    /// Every commit rewrites one sorted file.
    case sortedFile
    /// Pages in a tree.
    case pageTree(PageTree)
  }

  /// How a tree of pages writes.
  public struct PageTree: Equatable, Sendable {
    /// The size of a page, in bytes.
    public var pageByteCount: Int
    /// How often a changed page is written (log or journal, database, spills of a full cache).
    public var copies: Double
    /// How often it is read back beside its first miss (a log moved into the database).
    public var reads: Double
    /// Operations over which a changed page is written once, when memory holds it; nil when each commit writes its own.
    public var writeWindowOperationCount: Int?
    /// Whether a synced commit ends the window and writes every page above its leaves (path copying).
    public var syncsCopyPaths: Bool
    /// Whether operations wait in buffers and reach a page together, so that a page that memory does not hold is read for
    /// `copies` of an operation, not for each.
    public var gathersOperations: Bool

    /// A tree whose commits write what they changed, `copies` times.
    public init(
      pageByteCount: Int, copies: Double, reads: Double, writeWindowOperationCount: Int? = nil,
      syncsCopyPaths: Bool = false, gathersOperations: Bool = false
    ) {
      self.pageByteCount = pageByteCount
      self.copies = copies
      self.reads = reads
      self.writeWindowOperationCount = writeWindowOperationCount
      self.syncsCopyPaths = syncsCopyPaths
      self.gathersOperations = gathersOperations
    }
  }

  /// What structure is kept.
  public var structure: Structure
  /// Bytes on the device per byte of keys and values.
  public var spaceFactor: Double
  /// Seconds of one write that misses nothing.
  public var writeSeconds: Double
  /// Seconds of one point read that misses nothing.
  public var readSeconds: Double
  /// Seconds of one entry of a scan.
  public var entrySeconds: Double

  /// Costs, measured roughly on one core of a 2-core cloud machine, release build, memory device.
  public init(
    _ structure: Structure, spaceFactor: Double, writeSeconds: Double, readSeconds: Double,
    entrySeconds: Double
  ) {
    self.structure = structure
    self.spaceFactor = spaceFactor
    self.writeSeconds = writeSeconds
    self.readSeconds = readSeconds
    self.entrySeconds = entrySeconds
  }
}

/// An engine's costs as a function of its setting. Pure; the parameters are complete and within their ranges.
public typealias CostRule = @Sendable (_ setting: EngineSetting) -> EngineCostShape
