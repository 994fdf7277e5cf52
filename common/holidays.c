#include "common/holidays.h"

enum { MON, TUE, WED, THU, FRI, SAT, SUN };

#define ON(month_, day_, name_, ...)                                                                                   \
    {                                                                                                                  \
        .name = (name_), .kind = HOLIDAY_FIXED, .month = (month_), .day = (day_), __VA_ARGS__                          \
    }
#define EASTER(days_, name_, ...)                                                                                      \
    {                                                                                                                  \
        .name = (name_), .kind = HOLIDAY_EASTER, .day = (days_), __VA_ARGS__                                           \
    }
#define NTH(nth_, weekday_, month_, name_, ...)                                                                        \
    {                                                                                                                  \
        .name = (name_), .kind = HOLIDAY_WEEKDAY, .month = (month_), .weekday = (weekday_), .nth = (nth_), __VA_ARGS__ \
    }
#define ONCE(year_, month_, day_, name_) ON(month_, day_, name_, .first_year = (year_), .last_year = (year_))
#define FROM(year_) .first_year = (year_)
#define UNTIL(year_) .last_year = (year_)

/* Ley 27.399 (2017); before it Ley 23.555 and Decreto 1584/2010. Bridges: "feriados con fines turísticos", decreed
 * yearly (Decretos 1584/2010, 1768/2013, 52/2017, 923/2017, 717/2020, 947/2020, 789/2021, 764/2022, 106/2023,
 * 1027/2024, 614/2025). */
static const HolidayRule argentina[] = {
    ON(1, 1, "Año Nuevo"),
    EASTER(-48, "Carnaval", FROM(2011)),
    EASTER(-47, "Carnaval", FROM(2011)),
    ON(3, 24, "Día Nacional de la Memoria por la Verdad y la Justicia"),
    ON(4, 2, "Día del Veterano y de los Caídos en la Guerra de Malvinas", UNTIL(2019)),
    ONCE(2020, 3, 31, "Día del Veterano y de los Caídos en la Guerra de Malvinas"), /* Decreto 297/2020 */
    ON(4, 2, "Día del Veterano y de los Caídos en la Guerra de Malvinas", FROM(2021)),
    EASTER(-3, "Jueves Santo"),
    EASTER(-2, "Viernes Santo"),
    ON(5, 1, "Día del Trabajador"),
    ON(5, 25, "Día de la Revolución de Mayo"),
    NTH(3, MON, 6, "Paso a la Inmortalidad del General Manuel Belgrano", UNTIL(2010)),
    ON(6, 20, "Paso a la Inmortalidad del General Manuel Belgrano", FROM(2011)),
    ONCE(2016, 6, 17, "Paso a la Inmortalidad del General Martín Güemes"), /* Ley 27.258 */
    ON(6, 17, "Paso a la Inmortalidad del General Martín Güemes", FROM(2017), .move = MOVE_NEAR_MONDAY_BUT_FRIDAY),
    ON(7, 9, "Día de la Independencia"),
    NTH(3, MON, 8, "Paso a la Inmortalidad del General José de San Martín", UNTIL(2010)),
    ONCE(2011, 8, 22, "Paso a la Inmortalidad del General José de San Martín"), /* after the primaries of August 14 */
    NTH(3, MON, 8, "Paso a la Inmortalidad del General José de San Martín", FROM(2012), UNTIL(2016)),
    ON(8, 17, "Paso a la Inmortalidad del General José de San Martín", FROM(2017), .move = MOVE_NEAR_MONDAY),
    NTH(2, MON, 10, "Día del Respeto a la Diversidad Cultural", UNTIL(2016)),
    ON(10, 12, "Día del Respeto a la Diversidad Cultural", FROM(2017), .move = MOVE_NEAR_MONDAY),
    ONCE(2010, 11, 22, "Día de la Soberanía Nacional"),
    NTH(4, MON, 11, "Día de la Soberanía Nacional", FROM(2011), UNTIL(2014)),
    ONCE(2015, 11, 27, "Día de la Soberanía Nacional"), /* after the run-off of November 22 */
    NTH(4, MON, 11, "Día de la Soberanía Nacional", FROM(2016), UNTIL(2016)),
    ON(11, 20, "Día de la Soberanía Nacional", FROM(2017), .move = MOVE_NEAR_MONDAY),
    ON(12, 8, "Inmaculada Concepción de María"),
    ON(12, 25, "Navidad"),
    ONCE(2010, 5, 24, "Bicentenario de la Revolución de Mayo"),
    ONCE(2010, 10, 27, "Censo Nacional"),
    ONCE(2012, 2, 27, "Bicentenario de la Bandera Argentina"),
    ONCE(2012, 9, 24, "Bicentenario de la Batalla de Tucumán"),
    ONCE(2013, 1, 31, "Bicentenario de la Asamblea del Año XIII"),
    ONCE(2013, 2, 20, "Bicentenario de la Batalla de Salta"),
    ONCE(2022, 5, 18, "Censo Nacional"),
    ONCE(2022, 12, 20, "Campeones del Mundo"),
    ONCE(2026, 11, 9, "Visita del Papa León XIV"),
#define BRIDGE(year_, month_, day_) ONCE(year_, month_, day_, "Feriado con fines turísticos")
    BRIDGE(2011, 3, 25),
    BRIDGE(2011, 12, 9),
    BRIDGE(2012, 4, 30),
    BRIDGE(2012, 12, 24),
    BRIDGE(2013, 4, 1),
    BRIDGE(2013, 6, 21),
    BRIDGE(2014, 5, 2),
    BRIDGE(2014, 12, 26),
    BRIDGE(2015, 3, 23),
    BRIDGE(2015, 12, 7),
    BRIDGE(2016, 7, 8),
    BRIDGE(2016, 12, 9),
    BRIDGE(2018, 4, 30),
    BRIDGE(2018, 12, 24),
    BRIDGE(2018, 12, 31),
    BRIDGE(2019, 7, 8),
    BRIDGE(2019, 8, 19),
    BRIDGE(2019, 10, 14),
    BRIDGE(2020, 3, 23),
    BRIDGE(2020, 7, 10),
    BRIDGE(2020, 12, 7),
    BRIDGE(2021, 5, 24),
    BRIDGE(2021, 10, 8),
    BRIDGE(2021, 11, 22),
    BRIDGE(2022, 10, 7),
    BRIDGE(2022, 11, 21),
    BRIDGE(2022, 12, 9),
    BRIDGE(2023, 5, 26),
    BRIDGE(2023, 6, 19),
    BRIDGE(2023, 10, 13),
    BRIDGE(2024, 4, 1),
    BRIDGE(2024, 6, 21),
    BRIDGE(2024, 10, 11),
    BRIDGE(2025, 5, 2),
    BRIDGE(2025, 8, 15),
    BRIDGE(2025, 11, 21),
    BRIDGE(2026, 3, 23),
    BRIDGE(2026, 7, 10),
    BRIDGE(2026, 12, 7),
#undef BRIDGE
};

/* Lei 662/1949, Lei 6.802/1980 (October 12), Lei 10.607/2002, Lei 9.093/1995 (Good Friday), Lei 14.759/2023. */
static const HolidayRule brazil[] = {
    ON(1, 1, "Confraternização Universal"),
    EASTER(-2, "Sexta-feira Santa"),
    ON(4, 21, "Tiradentes"),
    ON(5, 1, "Dia do Trabalhador"),
    ON(9, 7, "Independência do Brasil"),
    ON(10, 12, "Nossa Senhora Aparecida"),
    ON(11, 2, "Finados"),
    ON(11, 15, "Proclamação da República"),
    ON(11, 20, "Dia Nacional de Zumbi e da Consciência Negra", FROM(2024)),
    ON(12, 25, "Natal"),
};

/* Ley 2.977 (1915), Ley 19.668 (moved Mondays), Ley 20.299 and 20.983, Ley 20.215, Ley 20.148, Ley 21.357. */
static const HolidayRule chile[] = {
    ON(1, 1, "Año Nuevo"), ON(1, 1, "Feriado", FROM(2017), .move = MOVE_ONLY_SUNDAY_MONDAY),
    EASTER(-2, "Viernes Santo"), EASTER(-1, "Sábado Santo"), ON(5, 1, "Día Nacional del Trabajo"),
    ON(5, 21, "Día de las Glorias Navales"),
    /* Day of the winter solstice at Chile's longitude. */
    ONCE(2021, 6, 21, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2022, 6, 21, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2023, 6, 21, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2024, 6, 20, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2025, 6, 20, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2026, 6, 21, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2027, 6, 21, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2028, 6, 20, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2029, 6, 20, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2030, 6, 21, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2031, 6, 21, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2032, 6, 20, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2033, 6, 20, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2034, 6, 21, "Día Nacional de los Pueblos Indígenas"),
    ONCE(2035, 6, 21, "Día Nacional de los Pueblos Indígenas"),
    ON(6, 29, "San Pedro y San Pablo", .move = MOVE_NEAR_MONDAY_CHILE), ON(7, 16, "Virgen del Carmen", FROM(2007)),
    ON(8, 15, "Asunción de la Virgen"), ON(9, 18, "Independencia Nacional"), ON(9, 19, "Glorias del Ejército"),
    ON(9, 18, "Fiestas Patrias", FROM(2007), .move = MOVE_ONLY_BRIDGE_BEFORE),
    ON(9, 18, "Fiestas Patrias", FROM(2017), .move = MOVE_ONLY_FRIDAY_BEFORE),
    ON(9, 19, "Fiestas Patrias", FROM(2007), .move = MOVE_ONLY_BRIDGE_AFTER),
    ON(10, 12, "Encuentro de Dos Mundos", .move = MOVE_NEAR_MONDAY_CHILE),
    ON(10, 31, "Iglesias Evangélicas y Protestantes", FROM(2008), .move = MOVE_NEAR_FRIDAY),
    ON(11, 1, "Todos los Santos"), ON(12, 8, "Inmaculada Concepción"), ON(12, 25, "Navidad"),
    ONCE(2010, 9, 17, "Bicentenario"), /* Ley 20.450 */
    ONCE(2010, 9, 20, "Bicentenario"), ONCE(2017, 4, 19, "Censo de Población y Vivienda"),
    ONCE(2022, 9, 16, "Fiestas Patrias"), /* Ley 21.482 */
};

/* Feiertagsgesetze der Länder: the days common to all sixteen; Einigungsvertrag art. 2 (October 3). */
static const HolidayRule germany[] = {
    ON(1, 1, "Neujahr"),
    EASTER(-2, "Karfreitag"),
    EASTER(1, "Ostermontag"),
    ON(5, 1, "Erster Mai"),
    EASTER(39, "Christi Himmelfahrt"),
    EASTER(50, "Pfingstmontag"),
    ON(10, 3, "Tag der Deutschen Einheit"),
    ON(12, 25, "Erster Weihnachtstag"),
    ON(12, 26, "Zweiter Weihnachtstag"),
    ONCE(2017, 10, 31, "Reformationstag"),
};

/* Estatuto de los Trabajadores art. 37.2, Real Decreto 2001/1983 art. 45: the days kept in all communities. */
static const HolidayRule spain[] = {
    ON(1, 1, "Año Nuevo"),
    ON(1, 6, "Epifanía del Señor"),
    EASTER(-2, "Viernes Santo"),
    ON(5, 1, "Fiesta del Trabajo"),
    ON(8, 15, "Asunción de la Virgen"),
    ON(10, 12, "Fiesta Nacional de España"),
    ON(11, 1, "Todos los Santos"),
    ON(12, 6, "Día de la Constitución Española"),
    ON(12, 8, "Inmaculada Concepción"),
    ON(12, 25, "Natividad del Señor"),
};

/* Code du travail, art. L3133-1. */
static const HolidayRule france[] = {
    ON(1, 1, "Jour de l'an"), EASTER(1, "Lundi de Pâques"),     ON(5, 1, "Fête du Travail"), ON(5, 8, "Victoire 1945"),
    EASTER(39, "Ascension"),  EASTER(50, "Lundi de Pentecôte"), ON(7, 14, "Fête nationale"), ON(8, 15, "Assomption"),
    ON(11, 1, "Toussaint"),   ON(11, 11, "Armistice"),          ON(12, 25, "Noël"),
};

/* Banking and Financial Dealings Act 1971 and royal proclamations, for England and Wales. */
static const HolidayRule great_britain[] = {
    ON(1, 1, "New Year's Day"),
    ON(1, 1, "New Year's Day (substitute)", .move = MOVE_ONLY_WEEKEND_MONDAY),
    EASTER(-2, "Good Friday"),
    EASTER(1, "Easter Monday"),
    NTH(1, MON, 5, "Early May bank holiday", UNTIL(2019)),
    ONCE(2020, 5, 8, "Early May bank holiday"), /* 75 years of VE Day */
    NTH(1, MON, 5, "Early May bank holiday", FROM(2021)),
    NTH(-1, MON, 5, "Spring bank holiday", UNTIL(2011)),
    ONCE(2012, 6, 4, "Spring bank holiday"),
    NTH(-1, MON, 5, "Spring bank holiday", FROM(2013), UNTIL(2021)),
    ONCE(2022, 6, 2, "Spring bank holiday"),
    NTH(-1, MON, 5, "Spring bank holiday", FROM(2023)),
    NTH(-1, MON, 8, "Summer bank holiday"),
    ON(12, 25, "Christmas Day"),
    ON(12, 26, "Boxing Day"),
    ON(12, 25, "Christmas Day (substitute)", .move = MOVE_ONLY_WEEKEND_TWO),
    ON(12, 26, "Boxing Day (substitute)", .move = MOVE_ONLY_WEEKEND_TWO),
    ONCE(2011, 4, 29, "Royal Wedding"),
    ONCE(2012, 6, 5, "Diamond Jubilee"),
    ONCE(2022, 6, 3, "Platinum Jubilee"),
    ONCE(2022, 9, 19, "State Funeral of Queen Elizabeth II"),
    ONCE(2023, 5, 8, "Coronation of King Charles III"),
};

/* Legge 260/1949, Legge 54/1977, DPR 792/1985, Legge 336/2000, Legge 151/2025. */
static const HolidayRule italy[] = {
    ON(1, 1, "Capodanno"),
    ON(1, 6, "Epifania"),
    EASTER(0, "Pasqua"),
    EASTER(1, "Lunedì dell'Angelo"),
    ON(4, 25, "Festa della Liberazione"),
    ON(5, 1, "Festa dei Lavoratori"),
    ON(6, 2, "Festa della Repubblica", FROM(2001)),
    ON(8, 15, "Assunzione"),
    ON(10, 4, "San Francesco d'Assisi", FROM(2026)),
    ON(11, 1, "Ognissanti"),
    ON(12, 8, "Immacolata Concezione"),
    ON(12, 25, "Natale"),
    ON(12, 26, "Santo Stefano"),
    ONCE(2011, 3, 17, "150° dell'Unità d'Italia"),
};

/* Ley Federal del Trabajo, art. 74 (Mondays since 2006); Constitución, art. 83 (October 1 since 2024). */
static const HolidayRule mexico[] = {
    ON(1, 1, "Año Nuevo"),
    NTH(1, MON, 2, "Día de la Constitución", FROM(2006)),
    NTH(3, MON, 3, "Natalicio de Benito Juárez", FROM(2006)),
    ON(5, 1, "Día del Trabajo"),
    ON(9, 16, "Día de la Independencia"),
    NTH(3, MON, 11, "Día de la Revolución", FROM(2006)),
    ONCE(2012, 12, 1, "Transmisión del Poder Ejecutivo Federal"),
    ONCE(2018, 12, 1, "Transmisión del Poder Ejecutivo Federal"),
    ONCE(2024, 10, 1, "Transmisión del Poder Ejecutivo Federal"),
    ONCE(2030, 10, 1, "Transmisión del Poder Ejecutivo Federal"),
    ON(12, 25, "Navidad"),
};

/* Código do Trabalho, art. 234; four days suspended 2013..2015 by Lei 23/2012, back by Lei 8/2016. */
static const HolidayRule portugal[] = {
    ON(1, 1, "Ano Novo"),
    EASTER(-2, "Sexta-feira Santa"),
    EASTER(0, "Páscoa"),
    ON(4, 25, "Dia da Liberdade"),
    ON(5, 1, "Dia do Trabalhador"),
    EASTER(60, "Corpo de Deus", UNTIL(2012)),
    EASTER(60, "Corpo de Deus", FROM(2016)),
    ON(6, 10, "Dia de Portugal"),
    ON(8, 15, "Assunção de Nossa Senhora"),
    ON(10, 5, "Implantação da República", UNTIL(2012)),
    ON(10, 5, "Implantação da República", FROM(2016)),
    ON(11, 1, "Todos os Santos", UNTIL(2012)),
    ON(11, 1, "Todos os Santos", FROM(2016)),
    ON(12, 1, "Restauração da Independência", UNTIL(2012)),
    ON(12, 1, "Restauração da Independência", FROM(2016)),
    ON(12, 8, "Imaculada Conceição"),
    ON(12, 25, "Natal"),
};

/* 5 U.S.C. 6103 (June 19: Public Law 117-17) and, for the days off instead, Executive Order 11582. */
static const HolidayRule united_states[] = {
    ON(1, 1, "New Year's Day"),
    ON(1, 1, "New Year's Day (observed)", .move = MOVE_ONLY_WEEKEND_BOTH),
    NTH(3, MON, 1, "Birthday of Martin Luther King, Jr."),
    NTH(3, MON, 2, "Washington's Birthday"),
    NTH(-1, MON, 5, "Memorial Day"),
    ON(6, 19, "Juneteenth National Independence Day", FROM(2021)),
    ON(6, 19, "Juneteenth (observed)", FROM(2021), .move = MOVE_ONLY_WEEKEND_BOTH),
    ON(7, 4, "Independence Day"),
    ON(7, 4, "Independence Day (observed)", .move = MOVE_ONLY_WEEKEND_BOTH),
    NTH(1, MON, 9, "Labor Day"),
    NTH(2, MON, 10, "Columbus Day"),
    ON(11, 11, "Veterans Day"),
    ON(11, 11, "Veterans Day (observed)", .move = MOVE_ONLY_WEEKEND_BOTH),
    NTH(4, THU, 11, "Thanksgiving Day"),
    ON(12, 25, "Christmas Day"),
    ON(12, 25, "Christmas Day (observed)", .move = MOVE_ONLY_WEEKEND_BOTH),
};

/* Ley 14.977, Ley 16.805 with Ley 17.414 (moved Mondays), Ley 12.243: feriados, laborables too, since shops and offices
 * keep many of them. */
static const HolidayRule uruguay[] = {
    ON(1, 1, "Año Nuevo"),
    ON(1, 6, "Día de los Niños"),
    EASTER(-48, "Carnaval"),
    EASTER(-47, "Carnaval"),
    EASTER(-6, "Semana de Turismo"),
    EASTER(-5, "Semana de Turismo"),
    EASTER(-4, "Semana de Turismo"),
    EASTER(-3, "Semana de Turismo"),
    EASTER(-2, "Semana de Turismo"),
    ON(4, 19, "Desembarco de los 33 Orientales", .move = MOVE_NEAR_MONDAY),
    ON(5, 1, "Día de los Trabajadores"),
    ON(5, 18, "Batalla de las Piedras", .move = MOVE_NEAR_MONDAY),
    ON(6, 19, "Natalicio de Artigas"),
    ON(7, 18, "Jura de la Constitución"),
    ON(8, 25, "Declaratoria de la Independencia"),
    ON(10, 12, "Día de la Raza", .move = MOVE_NEAR_MONDAY),
    ON(11, 2, "Día de los Difuntos"),
    ON(12, 25, "Día de la Familia"),
    ONCE(2010, 3, 1, "Transmisión del Mando Presidencial"),
    ONCE(2015, 3, 1, "Transmisión del Mando Presidencial"),
    ONCE(2020, 3, 1, "Transmisión del Mando Presidencial"),
    ONCE(2025, 3, 1, "Transmisión del Mando Presidencial"),
    ONCE(2030, 3, 1, "Transmisión del Mando Presidencial"),
    ONCE(2035, 3, 1, "Transmisión del Mando Presidencial"),
};

#define COUNTRY(code_, rules_)                                                                                         \
    {                                                                                                                  \
        (code_), (rules_), sizeof(rules_) / sizeof(rules_)[0]                                                          \
    }
const HolidayCountry holiday_countries[] = {
    COUNTRY("AR", argentina), COUNTRY("BR", brazil),   COUNTRY("CL", chile),         COUNTRY("DE", germany),
    COUNTRY("ES", spain),     COUNTRY("FR", france),   COUNTRY("GB", great_britain), COUNTRY("IT", italy),
    COUNTRY("MX", mexico),    COUNTRY("PT", portugal), COUNTRY("US", united_states), COUNTRY("UY", uruguay),
};
const size_t holiday_countries_count = sizeof holiday_countries / sizeof holiday_countries[0];

bool holiday_move(HolidayMove move, int weekday, int *ret_days)
{
    enum { NO = 99 }; /* no holiday comes of it */
    static const signed char days[][7] = {
        /*                              Mon Tue Wed Thu Fri Sat Sun */
        [MOVE_NONE] = {0, 0, 0, 0, 0, 0, 0},
        [MOVE_NEAR_MONDAY] = {0, -1, -2, 4, 3, 0, 0},
        [MOVE_NEAR_MONDAY_BUT_FRIDAY] = {0, -1, -2, 4, 0, 0, 0},
        [MOVE_NEAR_MONDAY_CHILE] = {0, -1, -2, -3, 3, 0, 0},
        [MOVE_NEAR_FRIDAY] = {0, -4, 2, 0, 0, 0, 0},
        [MOVE_ONLY_WEEKEND_BOTH] = {NO, NO, NO, NO, NO, -1, 1},
        [MOVE_ONLY_WEEKEND_MONDAY] = {NO, NO, NO, NO, NO, 2, 1},
        [MOVE_ONLY_WEEKEND_TWO] = {NO, NO, NO, NO, NO, 2, 2},
        [MOVE_ONLY_SUNDAY_MONDAY] = {NO, NO, NO, NO, NO, NO, 1},
        [MOVE_ONLY_BRIDGE_BEFORE] = {NO, -1, NO, NO, NO, NO, NO},
        [MOVE_ONLY_FRIDAY_BEFORE] = {NO, NO, NO, NO, NO, -1, NO},
        [MOVE_ONLY_BRIDGE_AFTER] = {NO, NO, NO, 1, NO, NO, NO},
    };
    if (days[move][weekday] == NO)
        return false;
    *ret_days = days[move][weekday];
    return true;
}
