// The sizes an append-only log works with, made from its parameters, the memory budget and the transfer unit.

import Accounting
import KeyValue
import Primitives
import Storage

/// Effective sizes, in bytes.
struct AppendLogGeometry {
  let segmentByteCount: Int
  let bufferByteCount: Int
  let readByteCount: Int
  let windowByteCount: Int
  let limits: EngineLimits
  /// Kind, lengths, key and value, at their longest.
  let longestOperationByteCount: Int
  private let scannerByteCount: Int

  /// - Throws: `.invalidParameters` when the memory cannot hold the buffers of a log.
  init(_ environment: EngineEnvironment, _ parameters: ParameterSet) throws(EngineError) {
    let unit = environment.channel.transferUnitByteCount
    let memory = environment.budget.limitByteCount
    guard memory >= 32 * unit, memory >= 1 << 16 else {
      throw .invalidParameters(
        reason: "an append log needs \(max(32 * unit, 1 << 16)) bytes of memory, it is given \(memory)")
    }
    func rounded(_ byteCount: Int) -> Int { (byteCount + unit - 1) / unit * unit }
    let share = memory / 16 / unit * unit
    segmentByteCount = rounded(parameters.integer("segment_bytes"))
    bufferByteCount = min(rounded(parameters.integer("buffer_bytes")), share)
    readByteCount = min(rounded(parameters.integer("read_bytes")), share)
    // The largest power of two of which thirty-two fit into the memory.
    let largest = 1 << (Int.bitWidth - 1 - (memory / 32).leadingZeroBitCount)
    let valueByteCount = min(1 << 20, largest)
    let keyByteCount = min(4_096, valueByteCount)
    limits = EngineLimits(
      maximumKeyByteCount: keyByteCount, maximumValueByteCount: valueByteCount, offersSnapshots: true)
    windowByteCount = max(memory / 16, 2 * (keyByteCount + valueByteCount))
    // A range delete's operand is a key, so a value and a key are the longest.
    longestOperationByteCount =
      AppendLogFormat.longestOperationHeaderByteCount + keyByteCount + max(keyByteCount, valueByteCount + 4)
    scannerByteCount = AppendLogScanner.memoryByteCount(
      readByteCount: readByteCount, longestOperationByteCount: longestOperationByteCount, unit: unit)
  }

  /// Held as long as the engine is open: the writer's buffer, the scanner and the value of a get.
  var fixedMemoryByteCount: Int { bufferByteCount + scannerByteCount + limits.maximumValueByteCount }

  /// Held by a cursor with a window of `slotLimit` entries.
  func cursorMemoryByteCount(slotLimit: Int) -> Int {
    scannerByteCount
      + SortedWindow.memoryByteCount(
        capacityByteCount: windowByteCount, slotLimit: slotLimit,
        maximumValueByteCount: limits.maximumValueByteCount)
  }

  func makeScanner(_ volume: Volume) -> AppendLogScanner {
    AppendLogScanner(
      channel: volume.channel, pool: volume.pool, volumeID: volume.volumeID, readByteCount: readByteCount,
      longestOperationByteCount: longestOperationByteCount)
  }
}
