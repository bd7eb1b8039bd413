// The sizes an append-only log works with, made from its parameters, the memory budget and the transfer unit.

import Accounting
import KeyValue
import Primitives
import Storage

/// Effective sizes, in bytes.
struct AppendLogGeometry {
  let log: VolumeLogConfiguration
  /// A part of a batch: what is encoded in memory before it goes into the log.
  let partByteCount: Int
  let windowByteCount: Int
  let limits: EngineLimits

  /// - Throws: `.invalidParameters` when the memory cannot hold the buffers of a log.
  init(_ setting: EngineSetting) throws(EngineError) {
    let unit = setting.transferUnitByteCount
    let memory = setting.memoryBudgetByteCount
    let parameters = setting.parameters
    guard memory >= 32 * unit else {
      throw .invalidParameters(
        reason: "an append log needs \(32 * unit) bytes of memory, it is given \(memory)")
    }
    let share = memory / 16 / unit * unit
    log = VolumeLogConfiguration(
      segmentByteCount: parameters.integer("segment_bytes"),
      bufferByteCount: min(parameters.integer("buffer_bytes"), share),
      readByteCount: min(parameters.integer("read_bytes"), share), cause: .record)
    let valueByteCount = largestValueByteCount(memoryBudgetByteCount: memory)
    let keyByteCount = min(4_096, valueByteCount / 4)
    limits = EngineLimits(
      maximumKeyByteCount: keyByteCount, maximumValueByteCount: valueByteCount, offersSnapshots: true)
    // A patch's operand is its offset and its bytes.
    let longestOperationByteCount =
      AppendLogFormat.longestOperationHeaderByteCount + keyByteCount + valueByteCount + 4
    partByteCount = max(
      min(1 << 16, share), AppendLogFormat.partHeaderByteCount + longestOperationByteCount)
    windowByteCount = max(share, 2 * (keyByteCount + valueByteCount))
  }

  /// The limits and their reasons.
  ///
  /// - Throws: `.invalidParameters`, as opening would.
  static func limits(_ setting: EngineSetting) throws(EngineError) -> DeclaredLimits {
    DeclaredLimits(
      try AppendLogGeometry(setting).limits, keyReason: "a quarter of the longest value, at most 4 KiB",
      valueReason: largestValueReason(memoryBudgetByteCount: setting.memoryBudgetByteCount))
  }

  /// Held as long as the engine is open, beside the log's own buffers: a part, and the value of a get.
  var fixedMemoryByteCount: Int { partByteCount + limits.maximumValueByteCount }

  /// Held by a cursor with a window of `slotLimit` entries.
  func cursorMemoryByteCount(slotLimit: Int) -> Int {
    SortedWindow.memoryByteCount(
      capacityByteCount: windowByteCount, slotLimit: slotLimit,
      maximumValueByteCount: limits.maximumValueByteCount)
  }
}
