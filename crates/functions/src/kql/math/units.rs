//! `convert_angle` and its family: a value in one unit as a value in another.
//!
//! Each unit is so many of its family's first one. A unit that is not in these tables is an error that names it.

use crate::udf::{Body, Consts, Functions};
use datafusion::common::{Result, exec_err};
use std::f64::consts::PI;

type Units = &'static [(&'static str, f64)];

const ANGLE: Units = &[
    ("Radian", 1.0),
    ("Degree", PI / 180.0),
    ("Arcminute", PI / 10_800.0),
    ("Arcsecond", PI / 648_000.0),
    ("Gradian", PI / 200.0),
    ("Revolution", 2.0 * PI),
    ("Milliradian", 1e-3),
    ("Microradian", 1e-6),
    ("Nanoradian", 1e-9),
    ("Centiradian", 1e-2),
    ("Deciradian", 1e-1),
    ("Millidegree", PI / 180e3),
    ("Microdegree", PI / 180e6),
    ("Nanodegree", PI / 180e9),
    ("NatoMil", PI / 3200.0),
];

const ENERGY: Units = &[
    ("Joule", 1.0),
    ("Kilojoule", 1e3),
    ("Megajoule", 1e6),
    ("Gigajoule", 1e9),
    ("Terajoule", 1e12),
    ("Petajoule", 1e15),
    ("Millijoule", 1e-3),
    ("WattHour", 3600.0),
    ("KilowattHour", 3.6e6),
    ("MegawattHour", 3.6e9),
    ("GigawattHour", 3.6e12),
    ("TerawattHour", 3.6e15),
    ("Calorie", 4.184),
    ("Kilocalorie", 4184.0),
    ("Megacalorie", 4.184e6),
    ("BritishThermalUnit", 1_055.055_852_62),
    ("ElectronVolt", 1.602_176_565e-19),
    ("Erg", 1e-7),
    ("FootPound", 1.355_817_948),
    ("HorsepowerHour", 2.684_519_537_696_172_7e6),
];

const FORCE: Units = &[
    ("Newton", 1.0),
    ("Decanewton", 10.0),
    ("Kilonewton", 1e3),
    ("Meganewton", 1e6),
    ("Millinewton", 1e-3),
    ("Micronewton", 1e-6),
    ("Dyn", 1e-5),
    ("KilogramForce", 9.806_65),
    ("KiloPond", 9.806_65),
    ("TonneForce", 9_806.65),
    ("PoundForce", 4.448_221_615_260_5),
    ("KilopoundForce", 4_448.221_615_260_5),
    ("OunceForce", 4.448_221_615_260_5 / 16.0),
    ("Poundal", 0.138_254_954_376),
];

const LENGTH: Units = &[
    ("Meter", 1.0),
    ("Kilometer", 1e3),
    ("Hectometer", 1e2),
    ("Decameter", 10.0),
    ("Decimeter", 1e-1),
    ("Centimeter", 1e-2),
    ("Millimeter", 1e-3),
    ("Micrometer", 1e-6),
    ("Nanometer", 1e-9),
    ("Inch", 0.0254),
    ("Foot", 0.3048),
    ("Yard", 0.9144),
    ("Mile", 1_609.344),
    ("NauticalMile", 1_852.0),
    ("Fathom", 1.8288),
    ("Chain", 20.1168),
    ("Hand", 0.1016),
    ("Mil", 2.54e-5),
    ("AstronomicalUnit", 1.495_978_707e11),
    ("LightYear", 9.460_730_472_580_8e15),
    ("Angstrom", 1e-10),
];

const MASS: Units = &[
    ("Kilogram", 1.0),
    ("Gram", 1e-3),
    ("Hectogram", 0.1),
    ("Decagram", 1e-2),
    ("Decigram", 1e-4),
    ("Centigram", 1e-5),
    ("Milligram", 1e-6),
    ("Microgram", 1e-9),
    ("Nanogram", 1e-12),
    ("Tonne", 1e3),
    ("Kilotonne", 1e6),
    ("Megatonne", 1e9),
    ("Pound", 0.453_592_37),
    ("Ounce", 0.028_349_523_125),
    ("Stone", 6.350_293_18),
    ("ShortTon", 907.184_74),
    ("LongTon", 1_016.046_908_8),
    ("Grain", 6.479_891e-5),
];

const SPEED: Units = &[
    ("MeterPerSecond", 1.0),
    ("MeterPerMinute", 1.0 / 60.0),
    ("MeterPerHour", 1.0 / 3600.0),
    ("KilometerPerHour", 1.0 / 3.6),
    ("KilometerPerMinute", 1000.0 / 60.0),
    ("KilometerPerSecond", 1e3),
    ("CentimeterPerSecond", 1e-2),
    ("CentimeterPerMinute", 1e-2 / 60.0),
    ("CentimeterPerHour", 1e-2 / 3600.0),
    ("MillimeterPerSecond", 1e-3),
    ("MilePerHour", 0.447_04),
    ("FootPerSecond", 0.3048),
    ("FootPerMinute", 0.3048 / 60.0),
    ("FootPerHour", 0.3048 / 3600.0),
    ("InchPerSecond", 0.0254),
    ("InchPerMinute", 0.0254 / 60.0),
    ("YardPerSecond", 0.9144),
    ("Knot", 1852.0 / 3600.0),
];

const VOLUME: Units = &[
    ("CubicMeter", 1.0),
    ("CubicDecimeter", 1e-3),
    ("CubicCentimeter", 1e-6),
    ("CubicMillimeter", 1e-9),
    ("CubicKilometer", 1e9),
    ("Liter", 1e-3),
    ("Hectoliter", 0.1),
    ("Deciliter", 1e-4),
    ("Centiliter", 1e-5),
    ("Milliliter", 1e-6),
    ("Microliter", 1e-9),
    ("CubicInch", 1.638_706_4e-5),
    ("CubicFoot", 0.028_316_846_592),
    ("CubicYard", 0.764_554_857_984),
    // The factor that the product uses (measured).
    ("AcreFoot", 1.0 / 0.000_810_714),
    ("UsGallon", 0.003_785_411_784),
    ("ImperialGallon", 0.004_546_09),
    ("UsPint", 4.731_764_73e-4),
    ("UsQuart", 9.463_529_46e-4),
    ("OilBarrel", 0.158_987_294_928),
];

/// A unit, and what has to be added to a value in it to count from absolute zero.
const TEMPERATURE: &[(&str, f64, f64)] = &[
    ("Kelvin", 1.0, 0.0),
    ("DegreeCelsius", 1.0, 273.15),
    ("DegreeFahrenheit", 5.0 / 9.0, 459.67),
    ("DegreeRankine", 5.0 / 9.0, 0.0),
    ("DegreeReaumur", 1.25, 273.15 / 1.25),
];

pub(super) fn register(f: &mut Functions) {
    f.compiled("convert_angle(real, string, string) real", &[1, 2], |c| linear(c, ANGLE));
    f.compiled("convert_energy(real, string, string) real", &[1, 2], |c| linear(c, ENERGY));
    f.compiled("convert_force(real, string, string) real", &[1, 2], |c| linear(c, FORCE));
    f.compiled("convert_length(real, string, string) real", &[1, 2], |c| linear(c, LENGTH));
    f.compiled("convert_mass(real, string, string) real", &[1, 2], |c| linear(c, MASS));
    f.compiled("convert_speed(real, string, string) real", &[1, 2], |c| linear(c, SPEED));
    f.compiled("convert_volume(real, string, string) real", &[1, 2], |c| linear(c, VOLUME));
    f.compiled("convert_temperature(real, string, string) real", &[1, 2], |c| {
        let unit = |i| match TEMPERATURE.iter().find(|u| u.0 == c.str(i)) {
            Some(u) => Ok(*u),
            None => exec_err!("the unit `{}` is not known here", c.str(i)),
        };
        let ((_, from, below), (_, to, above)) = (unit(1)?, unit(2)?);
        Ok(Body::real(move |r| Some((r.real(0)? + below) * from / to - above)))
    });
}

fn linear(c: &Consts, units: Units) -> Result<Body> {
    let unit = |i| match units.iter().find(|u| u.0 == c.str(i)) {
        Some(u) => Ok(u.1),
        None => exec_err!("the unit `{}` is not known here", c.str(i)),
    };
    let (from, to) = (unit(1)?, unit(2)?);
    Ok(Body::real(move |r| Some(r.real(0)? * from / to)))
}
