// Cases as text inside coded outcomes, in the one-line forms that repeat them: a sweep that runs in a process of its own
// sends its outcome to the one that asked.

import Storage

extension FaultCase: Codable {
  /// Reads the one-line form.
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let fault = FaultCase(parsing: text) else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "'\(text)' is no fault"))
    }
    self = fault
  }

  /// Writes the one-line form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension CrashCase: Codable {
  private enum CodingKeys: String, CodingKey { case point, survivors }

  /// Reads point and survivors, the latter as spelled.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let text = try container.decode(String.self, forKey: .survivors)
    guard let survivors = CrashSurvivors(spelling: text) else {
      throw DecodingError.dataCorruptedError(
        forKey: .survivors, in: container, debugDescription: "'\(text)' spells no survivors")
    }
    self.init(point: try container.decode(Int.self, forKey: .point), survivors: survivors)
  }

  /// Writes point and survivors, the latter as spelled.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(point, forKey: .point)
    try container.encode(survivors.spelling, forKey: .survivors)
  }
}
