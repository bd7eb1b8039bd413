// Sizes of values that follow no distribution because they were recorded elsewhere: one for each write of a stream.
//
// Cost: 4 bytes for each version up to the stream's last.

/// The size of the value that each version put.
public struct RecordedLengths: Sendable, Equatable {
  private var byVersion: ContiguousArray<UInt32> = []
  /// The largest, in bytes.
  public private(set) var maximumByteCount = 0
  /// The mean over puts and overwrites, in bytes.
  public private(set) var meanByteCount = 0.0

  /// The sizes of the values that a stream puts.
  public init(of stream: RecordedStream) {
    let last = stream.sections.map(\.end.nextVersion).max() ?? 0
    var lengths = ContiguousArray<UInt32>(repeating: 0, count: Int(last))
    var (sum, count, largest) = (UInt64(0), UInt64(0), UInt32(0))
    for section in stream.sections {
      stream.forEachOperation(of: section) { operation in
        guard operation.kind == .put || operation.kind == .overwrite else { return }
        lengths[Int(operation.version)] = operation.length
        largest = max(largest, operation.length)
        sum += UInt64(operation.length)
        count += 1
      }
    }
    byVersion = lengths
    maximumByteCount = Int(largest)
    meanByteCount = count == 0 ? 0 : Double(sum) / Double(count)
  }

  /// The size of the value that `version` put; 0 for a version that put none.
  public subscript(version: UInt32) -> Int {
    version < UInt32(byVersion.count) ? Int(byVersion[Int(version)]) : 0
  }
}
