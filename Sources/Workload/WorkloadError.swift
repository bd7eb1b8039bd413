// What a workload that cannot be made is answered with: the parameter at fault and a sentence.

/// A workload, phase or distribution that cannot be made from the parameters given.
public struct WorkloadError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The parameter as the study writes it, `mix.scan` for a nested one.
  public var parameter: String
  /// A clause that says what is wrong, with the numbers.
  public var reason: String

  /// An error about `parameter`.
  public init(parameter: String, reason: String) {
    self.parameter = parameter
    self.reason = reason
  }

  /// The sentence for the user.
  public var description: String { "workload parameter '\(parameter)': \(reason)" }
}
