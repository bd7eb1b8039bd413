# Write amplification over operations: load
# Draw again with: gnuplot amplification_over_operations.gnuplot
# Reads amplification_over_operations.csv, writes amplification_over_operations.svg and amplification_over_operations.png.

data = 'amplification_over_operations.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set lmargin at screen 0.1000
set rmargin at screen 0.8070
set tmargin at screen 0.7956
set bmargin at screen 0.1400
set key off
is(s) = stringcolumn('series') eq s
unset logscale x
set xrange [0.0:1020408.1632653062]
set xtics ('0' 0.0, '200,000' 200000.0, '400,000' 400000.0, '600,000' 600000.0, '800,000' 800000.0, '1,000,000' 1000000.0)
set xlabel 'operations since the phase began' noenhanced
set logscale y 10
set yrange [0.5:147.68824952069838]
set ytics ('1' 1.0, '3' 3.0, '10' 10.0, '30' 30.0, '100' 100.0)
set ylabel 'bytes written ÷ logical bytes, log scale' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,543 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,543 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'amplification_over_operations.'.kind
  unset label
  unset object
  set label 1 'Write amplification over operations: load' at screen 0.016, screen 0.9521 left noenhanced font ',22'
  set label 2 '1,000,000 records · batch 1,000 · durability each_commit · memory 1 GiB · 3 seeds: the first shown · memory device' at screen 0.016, screen 0.9006 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'solid: wa_total   dashed: wa_data   both since the phase began' at screen 0.1000, screen 0.8250 left noenhanced font ',15'
  set object rectangle from screen 0.8250, screen 0.7698 to screen 0.8470, screen 0.7772 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label 'sqlite 105' at screen 0.8550, screen 0.7735 left noenhanced font ',16'
  set object rectangle from screen 0.8250, screen 0.7256 to screen 0.8470, screen 0.7330 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label 'btree 40.4' at screen 0.8550, screen 0.7293 left noenhanced font ',16'
  set object rectangle from screen 0.8250, screen 0.6814 to screen 0.8470, screen 0.6888 front fillcolor rgb '#753400' fillstyle solid noborder
  set label 'btree-log 9.27' at screen 0.8550, screen 0.6851 left noenhanced font ',16'
  plot \
    data using (is('btree') ? column('operations') : NaN):(column('wa_data')) with lines linewidth 1.6 dashtype 2 linecolor rgb '#d55e00', \
    data using (is('btree') ? column('operations') : NaN):(column('wa_total')) with lines linewidth 2.6 linecolor rgb '#d55e00', \
    data using (is('btree-log') ? column('operations') : NaN):(column('wa_data')) with lines linewidth 1.6 dashtype 2 linecolor rgb '#753400', \
    data using (is('btree-log') ? column('operations') : NaN):(column('wa_total')) with lines linewidth 2.6 linecolor rgb '#753400', \
    data using (is('sqlite') ? column('operations') : NaN):(column('wa_data')) with lines linewidth 1.6 dashtype 2 linecolor rgb '#0072b2', \
    data using (is('sqlite') ? column('operations') : NaN):(column('wa_total')) with lines linewidth 2.6 linecolor rgb '#0072b2'
  unset output
}
