// What one phase's parameters say together: which of them its operations use, and what cannot be said at all.
//
// Invariants
// 1. A phase of a resolved study holds the parameters its operations and distribution use, and no others, so two
//    phases that do the same are equal and have the same identity.

import KeyValue

/// Rules across the parameters of one phase.
enum PhaseRules {
  /// A key and what is wrong with it.
  struct Fault {
    var key: String
    var message: String
  }

  /// Keys that only some operations use: the beginning of the key, and the operations.
  private static let owners: [(prefix: String, operations: [String])] = [
    ("keys_per_get", ["get_hit", "get_miss"]),
    ("scan_", ["scan"]),
    ("upsert_operand_", ["upsert_append", "upsert_patch"]),
    ("range_delete_", ["range_delete"]),
  ]

  /// Writes whose values a reader beside them can check: it knows every value that was put, not what upserts made of it.
  private static let checkedBesideReaders: Set<String> = [
    "overwrite", "put", "get_hit", "get_miss", "scan",
  ]

  /// The faults of a complete set; `given` are the keys that were written.
  static func faults(of set: ParameterSet, given: [String]) -> [Fault] {
    var faults: [Fault] = []
    let mix = set.sorted.filter { $0.name.hasPrefix("mix.") }
    if !mix.isEmpty && mix.allSatisfy({ isZero($0.value) }) {
      faults.append(Fault(key: "mix", message: "has only zero weights; at least one operation must be drawn"))
    }
    if hasReaders(set) {
      for operation in operations(of: set) ?? [] where !checkedBesideReaders.contains(operation) {
        faults.append(
          Fault(
            key: "reader_threads",
            message: "is given beside the operation '\(operation)'; answers of readers can be checked beside "
              + "overwrite and put only"))
      }
    }
    for key in given where key == "reader_operations" && set[key] != nil && !hasReaders(set) {
      faults.append(Fault(key: key, message: "is given, and reader_threads is 0"))
    }
    for key in given where set[key] != nil && !uses(key, set) {
      guard let owner = owners.first(where: { key.hasPrefix($0.prefix) }),
        !(key == "keys_per_get" && set[key] == .integer(1)),
        !(key == "scan_start" && set[key] == .text("drawn") && operations(of: set)?.contains("scan") == true)
      else { continue }
      let operations = owner.operations.joined(separator: " or ")
      faults.append(Fault(key: key, message: "is given, and no operation of this phase is \(operations)"))
    }
    if case .integer(let count)? = set["keys_per_get"], count > 1,
      case .integer(let threads)? = set["threads"],
      threads > 1
    {
      faults.append(Fault(key: "keys_per_get", message: "is \(count), and threads ask for one key at a time"))
    }
    if set["bulk"] == .boolean(true), let order = set["order"], order != .text("sequential") {
      faults.append(Fault(key: "bulk", message: "is true, and a bulk load wants order sequential"))
    }
    return faults
  }

  /// What a phase asks for that the workload cannot give.
  static func fault(of set: ParameterSet, workload: ParameterSet) -> Fault? {
    guard set["bulk"] == .boolean(true), workload["key_shape"] != .text("sequential") else { return nil }
    return Fault(key: "bulk", message: "is true, and only keys of key_shape sequential come sorted")
  }

  /// The set without what its operations do not use.
  static func used(_ set: ParameterSet) -> ParameterSet {
    var kept = set
    for (name, _) in set.sorted where !uses(name, set) { kept[name] = nil }
    return kept
  }

  private static func hasReaders(_ set: ParameterSet) -> Bool {
    if case .integer(let count)? = set["reader_threads"] { return count > 0 }
    return false
  }

  private static func uses(_ key: String, _ set: ParameterSet) -> Bool {
    // One thread is what a phase has without the key; one key a get, and no bulk load, likewise.
    if key == "threads" || key == "keys_per_get", set[key] == .integer(1) { return false }
    if key == "bulk" { return set[key] == .boolean(true) }
    // Scans begin at drawn keys without the key.
    if key == "scan_start", set[key] == .text("drawn") { return false }
    if key.hasPrefix("reader_") { return hasReaders(set) }
    guard let owner = owners.first(where: { key.hasPrefix($0.prefix) }), let operations = operations(of: set)
    else {
      return true
    }
    return operations.contains { owner.operations.contains($0) }
  }

  /// The operations of a phase, nil when it has no choice of them.
  static func operations(of set: ParameterSet) -> [String]? {
    if case .text(let word)? = set["operation"] { return [word] }
    let mix = set.sorted.filter { $0.name.hasPrefix("mix.") }
    if mix.isEmpty { return nil }
    return mix.filter { !isZero($0.value) }.map { String($0.name.dropFirst(4)) }
  }

  private static func isZero(_ value: ParameterValue) -> Bool { value == .integer(0) || value == .real(0) }
}
