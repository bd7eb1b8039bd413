// What can be wrong with a record on disk.

/// An error of reading or writing a record, with the place.
public enum RecordError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A table's text is not what its schema says. Lines and columns count from 1.
  case malformed(file: String, line: Int, column: Int, reason: String)
  /// The manifest cannot be read as one.
  case badManifest(file: String, reason: String)
  /// A file's bytes are not those the manifest was written with.
  case hashMismatch(file: String, expected: String, found: String)
  /// The file system refused.
  case unusable(path: String, reason: String)

  /// The place, then what is wrong.
  public var description: String {
    switch self {
    case .malformed(let file, let line, let column, let reason):
      "\(file), line \(line), column \(column): \(reason)"
    case .badManifest(let file, let reason): "\(file): \(reason)"
    case .hashMismatch(let file, let expected, let found):
      "\(file): SHA-256 is \(found), the manifest says \(expected); records are never edited"
    case .unusable(let path, let reason): "\(path): \(reason)"
    }
  }
}
