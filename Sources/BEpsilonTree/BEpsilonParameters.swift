// The knobs of the Bε-tree, and what they come to on a given device with a given memory.
//
// Invariant: settings that were made work: the deepest path and one flush fit into the memory.

import Accounting
import KeyValue
import Primitives
import Storage

/// How messages lie on the device.
enum BufferLayout: String, CaseIterable, Sendable {
  /// One buffer for each child, read alone.
  case perChild = "per-child"
  /// One sorted buffer for the node, read with its pivots.
  case shared
}

/// Which child a full node flushes to.
enum FlushPolicy: String, CaseIterable, Sendable {
  /// The child with the most message bytes.
  case fullest
  /// Every child that has messages, until all are empty: as `send_msgs_to_subtree` does (`SubtreeSender`).
  case all
  /// One child after the other.
  case roundRobin = "round-robin"
  /// A child drawn with equal chances among those that have messages.
  case random
  /// The fullest of those in memory when it holds at least half of a full batch, otherwise the fullest.
  case cacheAware = "cache-aware"
}

/// How what is written becomes durable, and what a node's id is.
enum DurabilityMode: String, CaseIterable, Sendable {
  /// Every batch in a log; changed nodes at checkpoints, found by number through a directory.
  case log
  /// No log: changed nodes and all above them under new ids, and a superblock that reaches them.
  case copyOnWrite = "copy-on-write"
}

extension BEpsilonTreeEngine {
  /// Name, summary and knobs.
  public static let descriptor = EngineDescriptor(
    name: "bepsilon",
    summary: "A Bε-tree: nodes of B with F = B^ε children and a message buffer of B − F, logged.",
    parameters: [
      ParameterDescriptor(
        "node_bytes", .bytes(4_096...(16 << 20)), default: .integer(128 << 10),
        "B in bytes, a multiple of the transfer unit; keys are at most a quarter of it, or what lets F pivots fit; values beyond a quarter lie in extents of their own."
      ),
      ParameterDescriptor(
        "epsilon", .real(0...1), default: .real(0.4),
        "ε: a node has F = max(2, floor(B^ε)) children and buffers B − F; 0 is a buffered repository tree, 1 a B-tree."
      ),
      ParameterDescriptor(
        "fanout", .integer(0...(1 << 20)), default: .integer(0),
        "F given outright; 0 takes it from ε."),
      ParameterDescriptor(
        "unit", .choice(["entries", "bytes"]), default: .text("entries"),
        "What B is counted in when B^ε is taken."),
      ParameterDescriptor(
        "entry_bytes", .bytes(16...(1 << 20)), default: .integer(128),
        "The size of an entry when B is counted in entries."),
      ParameterDescriptor(
        "basement_bytes", .bytes(4_096...(16 << 20)), default: .integer(16 << 10),
        "Leaves and buffers are stored in parts that are read alone: leaves are cut at this size; nodes up to four times "
          + "this size are stored whole."),
      ParameterDescriptor(
        "buffer_layout", .choice(BufferLayout.allCases.map(\.rawValue)), default: .text("per-child"),
        "per-child: one buffer for each child, read alone; shared: one sorted buffer, read with its node."),
      ParameterDescriptor(
        "sequential_bypass", .boolean, default: .boolean(true),
        "Whether a batch for a single leaf in memory goes there at once when every buffer on its way is empty."
      ),
      ParameterDescriptor(
        "flush_policy", .choice(FlushPolicy.allCases.map(\.rawValue)), default: .text("fullest"),
        "Which child a full node flushes to."),
      ParameterDescriptor(
        "minimum_flush_bytes", .bytes(0...(16 << 20)), default: .integer(0),
        "Message bytes below which a child is flushed to only when none has as many; at most the buffer, B − F."
      ),
      ParameterDescriptor(
        "promotion", .boolean, default: .boolean(false),
        "Whether a message passes empty buffers to the deepest inner node in memory; with durability log."),
      ParameterDescriptor(
        "durability", .choice(DurabilityMode.allCases.map(\.rawValue)), default: .text("log"),
        "log: batches in a log, nodes at checkpoints under numbers that stay; copy-on-write: no log, a commit is the changed nodes "
          + "with all above them and a superblock."),
      ParameterDescriptor(
        "pass_through_bytes", .bytes(0...(1 << 40)), default: .integer(0),
        "Copy-on-write: messages for one child of this size or more pass a node without entering its buffer; 0: an F-th of the "
          + "buffer, 1: always."),
      ParameterDescriptor(
        "merge_threshold_percent", .integer(0...50), default: .integer(25),
        "A node filled less than this is merged with a neighbour when both fit into one; 0 never merges."),
      ParameterDescriptor(
        "checkpoint_log_bytes", .bytes((64 << 10)...(1 << 40)), default: .integer(64 << 20),
        "Bytes of log, or of messages where there is none, after which changed nodes are written and the log is cut."
      ),
      ParameterDescriptor(
        "checkpoint_operations", .integer(0...(1 << 40)), default: .integer(0),
        "Operations after which the same happens; 0 leaves it to the log's bytes."),
      ParameterDescriptor(
        "log_segment_bytes", .bytes(4_096...(1 << 30)), default: .integer(1 << 20),
        "Size of the extents the log grows by."),
    ], formatVersion: 2, detectsLostWrites: true,
    limits: { setting throws(EngineError) in try BEpsilonSettings.limits(setting) },
    costs: BEpsilonSettings.costs)
}

/// Effective sizes.
struct BEpsilonSettings {
  var geometry: BEpsilonGeometry
  var basementByteCount: Int
  var layout: BufferLayout
  var bypassesBuffers: Bool
  var policy: FlushPolicy
  var durability: DurabilityMode
  /// ε as asked for, or that of the fanout.
  var configuredEpsilon: Double
  var minimumFlushByteCount: Int
  var promotes: Bool
  /// Message bytes from which on a batch passes through (copy-on-write).
  var passThroughByteCount: Int
  var mergeThresholdPercent: Int
  var checkpointLogByteCount: Int
  var checkpointOperationCount: Int
  var maximumValueByteCount: Int
  /// Operands longer than this lie in extents of their own.
  var inlineLimitByteCount: Int
  /// Memory for nodes at rest.
  var cacheByteCount: Int
  /// Memory kept free for what one flush, one split and one write hold for a moment.
  var headroomByteCount: Int
  /// Bytes of messages that replay may gather in the root before it flushes: a third of what it leaves to reading the log.
  var replayMessageByteCount: Int { cacheByteCount / 4 }
  /// Memory of emptied buffers that is kept to be used again, at most.
  var arenaPoolByteCount: Int
  var log: VolumeLogConfiguration

  /// Nodes of memory that a tree works with.
  static let minimumNodeCount = 14

  /// What the engine will say of itself.
  var limits: EngineLimits {
    EngineLimits(
      maximumKeyByteCount: geometry.maximumKeyByteCount, maximumValueByteCount: maximumValueByteCount,
      offersSnapshots: true)
  }

  /// The limits and their reasons.
  ///
  /// - Throws: `.invalidParameters`, as opening would.
  static func limits(_ setting: EngineSetting) throws(EngineError) -> DeclaredLimits {
    let settings = try BEpsilonSettings(setting)
    return DeclaredLimits(
      settings.limits,
      keyReason:
        "a quarter of a node of \(settings.geometry.nodeByteCount) bytes less 64, or as long as \(settings.geometry.fanout) "
        + "pivots fit into it, a sixteenth of it at least and 32768 at most",

      valueReason:
        "a quarter of a node of \(settings.geometry.nodeByteCount) bytes, or the largest power of two of which thirty-two fit "
        + "into the memory, at most 64 MiB")
  }

  /// A leaf is written once for the many operations that gather above it: about a kibibyte for each of them. A cold read costs a
  /// basement.
  @Sendable static func costs(_ setting: EngineSetting) -> EngineCostShape {
    let parameters = setting.parameters
    let operations = parameters.integer("checkpoint_operations")
    let logged = parameters.integer("checkpoint_log_bytes") / 128
    return EngineCostShape(
      .pageTree(
        .init(
          pageByteCount: parameters.integer("basement_bytes"), copies: 1 / 16, reads: 0,
          writeWindowOperationCount: operations > 0 ? min(operations, logged) : logged,
          syncsCopyPaths: parameters.text("durability") == DurabilityMode.copyOnWrite.rawValue,
          gathersOperations: true)),
      spaceFactor: 2, writeSeconds: 1.5e-6, readSeconds: 2e-6, entrySeconds: 0.2e-6)
  }

  /// - Throws: `.invalidParameters` when node, ε and memory do not go together.
  init(_ setting: EngineSetting) throws(EngineError) {
    let unit = setting.transferUnitByteCount
    let memory = setting.memoryBudgetByteCount
    let parameters = setting.parameters
    let nodeByteCount = parameters.integer("node_bytes")
    guard nodeByteCount % unit == 0 else {
      throw .invalidParameters(
        reason: "node_bytes is \(nodeByteCount), not a multiple of the device's transfer unit, \(unit)")
    }
    let counted: BEpsilonGeometry.Unit =
      parameters.text("unit") == "bytes" ? .bytes : .entries(byteCount: parameters.integer("entry_bytes"))
    let fanout = parameters.integer("fanout")
    geometry =
      try fanout > 0
      ? BEpsilonGeometry(nodeByteCount: nodeByteCount, fanout: fanout, unit: counted)
      : BEpsilonGeometry(
        nodeByteCount: nodeByteCount, epsilon: parameters.real("epsilon"), unit: counted)
    basementByteCount = max(unit, parameters.integer("basement_bytes") / unit * unit)
    guard let policy = FlushPolicy(rawValue: parameters.text("flush_policy")),
      let layout = BufferLayout(rawValue: parameters.text("buffer_layout")),
      let durability = DurabilityMode(rawValue: parameters.text("durability"))
    else { preconditionFailure("Parameters were checked against their descriptors.") }
    let minimum = Self.minimumNodeCount * nodeByteCount + (64 << 10)
    guard memory >= minimum else {
      throw .invalidParameters(
        reason:
          "a Bε-tree with nodes of \(nodeByteCount) bytes needs \(minimum) bytes of memory, it is given \(memory)"
      )
    }
    self.policy = policy
    self.layout = layout
    self.durability = durability
    let share = max(1, geometry.bufferByteCount / geometry.fanout)
    let passThrough = parameters.integer("pass_through_bytes")
    guard passThrough == 0 || durability == .copyOnWrite else {
      throw .invalidParameters(
        reason:
          "pass_through_bytes is \(passThrough), it is for durability copy-on-write; with durability log leave it at 0"
      )
    }
    configuredEpsilon = fanout > 0 ? geometry.effectiveEpsilon : parameters.real("epsilon")
    minimumFlushByteCount = parameters.integer("minimum_flush_bytes")
    guard minimumFlushByteCount <= geometry.bufferByteCount else {
      throw .invalidParameters(
        reason:
          "minimum_flush_bytes is \(minimumFlushByteCount), a buffer holds \(geometry.bufferByteCount) bytes (B − F); "
          + "give 0 to \(geometry.bufferByteCount)")
    }
    promotes = parameters.boolean("promotion")
    guard !promotes || durability == .log else {
      throw .invalidParameters(
        reason:
          "promotion is true with durability copy-on-write, where batches pass through instead (pass_through_bytes); "
          + "make it false, or durability log")
    }
    passThroughByteCount = passThrough > 0 ? passThrough : share
    // Where nodes are copied, passing through does what the bypass does.
    bypassesBuffers = parameters.boolean("sequential_bypass") && durability == .log
    mergeThresholdPercent = parameters.integer("merge_threshold_percent")
    checkpointLogByteCount = parameters.integer("checkpoint_log_bytes")
    checkpointOperationCount = parameters.integer("checkpoint_operations")
    inlineLimitByteCount = nodeByteCount / 4
    // The largest power of two of which thirty-two fit into the memory.
    let thirtySecond = 1 << (Int.bitWidth - 1 - (memory / 32).leadingZeroBitCount)
    maximumValueByteCount = max(inlineLimitByteCount, min(1 << 26, thirtySecond))
    headroomByteCount =
      5 * nodeByteCount + (maximumValueByteCount > inlineLimitByteCount ? maximumValueByteCount : 0)
    let buffer = max(unit, min(256 << 10, memory / 64))
    // The log's buffers, the directory, the map of units.
    let other = 2 * buffer + memory / 64 + (32 << 10)
    arenaPoolByteCount = min(2 * nodeByteCount, memory / 32)
    cacheByteCount = memory - headroomByteCount - other - arenaPoolByteCount
    log = VolumeLogConfiguration(
      segmentByteCount: max(parameters.integer("log_segment_bytes"), unit), bufferByteCount: buffer,
      readByteCount: buffer, cause: .log)
  }
}
