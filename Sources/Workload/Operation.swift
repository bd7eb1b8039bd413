// One operation of a stream, 32 bytes, complete: with the workload it determines every byte sent to an engine.
//
//   kind            │ keyIndex       │ version         │ length             │ detail
//   put, overwrite  │ key            │ of the value    │ value bytes        │ 0
//   get_hit         │ key            │ 0               │ 0                  │ 0
//   get_miss        │ twin's index   │ 0               │ 0                  │ 0
//   delete          │ key            │ of the delete   │ 0                  │ 0
//   upsert_add      │ key            │ of the upsert   │ 8                  │ amount
//   upsert_append   │ key            │ of the upsert   │ operand bytes      │ 0
//   upsert_patch    │ key            │ of the upsert   │ bytes, offset not  │ byte offset
//                                                       counted
//   scan            │ first key      │ 0               │ entries wanted     │ 0
//   range_delete    │ first key      │ of the delete   │ entries aimed at   │ order word of the exclusive end

/// What an operation does. Raw values enter stream hashes.
public enum StreamOperation: UInt8, Sendable, CaseIterable {
  /// Puts a key never put before.
  case put = 1
  /// Puts a new value for a key put before (deleted or not).
  case overwrite = 2
  /// Gets a key put before; when it has been deleted, not finding it is the right answer.
  case getHit = 3
  /// Gets a key that cannot exist.
  case getMiss = 4
  /// Deletes a key put before.
  case delete = 5
  /// Adds to the counter in a value's first 8 bytes.
  case upsertAdd = 6
  /// Appends to a value.
  case upsertAppend = 7
  /// Overwrites part of a value.
  case upsertPatch = 8
  /// Reads entries in key order, beginning at a key put before.
  case scan = 9
  /// Deletes every key of a range that begins at a key put before.
  case rangeDelete = 10

  /// The word in a study's `mix:` and `operation:`.
  public var name: String {
    switch self {
    case .put: "put"
    case .overwrite: "overwrite"
    case .getHit: "get_hit"
    case .getMiss: "get_miss"
    case .delete: "delete"
    case .upsertAdd: "upsert_add"
    case .upsertAppend: "upsert_append"
    case .upsertPatch: "upsert_patch"
    case .scan: "scan"
    case .rangeDelete: "range_delete"
    }
  }

  /// The operation a study calls `name`.
  public init?(name: String) {
    guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  /// Whether it goes into a batch.
  @inlinable public var isWrite: Bool {
    switch self {
    case .getHit, .getMiss, .scan: false
    case .put, .overwrite, .delete, .upsertAdd, .upsertAppend, .upsertPatch, .rangeDelete: true
    }
  }
}

/// One operation; see the table at the head of the file.
public struct Operation: Equatable, Sendable {
  /// What it does.
  public var kind: StreamOperation
  /// The number of the write, unique in a run and never 0; 0 for reads.
  public var version: UInt32
  /// Value or operand bytes, or entries.
  public var length: UInt32
  /// The index of the key it begins at.
  public var keyIndex: UInt64
  /// Amount, byte offset or end of range.
  public var detail: UInt64

  /// An operation.
  public init(
    kind: StreamOperation = .getHit, keyIndex: UInt64 = 0, version: UInt32 = 0, length: UInt32 = 0,
    detail: UInt64 = 0
  ) {
    self.kind = kind
    self.version = version
    self.length = length
    self.keyIndex = keyIndex
    self.detail = detail
  }
}

/// A running hash of a stream: equal hashes mean, for all that matters, equal streams. One multiplication in the chain.
///
/// Not secret: made to tell streams apart, not to withstand someone who builds a collision.
public struct StreamHash: Equatable, Sendable, CustomStringConvertible {
  /// The hash so far.
  public private(set) var value: UInt64 = 0x6265_7475_6C61_0001

  /// The hash of the empty stream.
  public init() {}

  /// Adds one operation: every field of it.
  @inline(__always) public mutating func add(_ operation: Operation) {
    let small = UInt64(operation.version) << 32 | UInt64(operation.length)
    let place = operation.keyIndex &+ UInt64(operation.kind.rawValue) &* 0xC2B2_AE3D_27D4_EB4F
    let detail = operation.detail &* Mixing.golden
    var word = place &* 0xA24B_AED4_963E_E407
    word ^= (small &+ (detail ^ (detail >> 32))) &* 0x9FB2_1C65_1E98_DF25
    word ^= word >> 32
    value = ((value << 23 | value >> 41) ^ word) &* 0xD6E8_FEB8_6659_FD93
  }

  /// 16 hexadecimal digits, as records spell it.
  public var description: String {
    let digits = String(value ^ value >> 32, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}
