// What an engine may answer instead of a result.

import Primitives

/// An error of an engine.
public enum EngineError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The device, or what is stored on it, misbehaved.
  case storage(StorageError)
  /// The request exceeds a declared limit, said with both numbers.
  case limitExceeded(what: String, given: Int, limit: Int)
  /// The engine does not offer this; the reason is a sentence.
  case unsupported(what: String, reason: String)
  /// The parameters cannot make an engine; the reason is a sentence.
  case invalidParameters(reason: String)
  /// A guest library (SQLite) answered an error of its own.
  case guest(code: Int32, message: String)

  /// One sentence.
  public var description: String {
    switch self {
    case .storage(let error): error.description
    case .limitExceeded(let what, let given, let limit): "\(what) is \(given), the limit is \(limit)"
    case .unsupported(let what, let reason): "\(what) is not offered: \(reason)"
    case .invalidParameters(let reason): "invalid parameters: \(reason)"
    case .guest(let code, let message): "guest error \(code): \(message)"
    }
  }
}

/// Runs `body` and lets a storage error out as an engine's.
@inlinable public func rethrowingStorageErrors<Result: ~Copyable>(
  _ body: () throws(StorageError) -> Result
) throws(EngineError) -> Result {
  do {
    return try body()
  } catch {
    throw .storage(error)
  }
}
